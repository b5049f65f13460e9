import type { Locator, Page } from "playwright-core";

/** Opens the dashboard's form for many records, and fills it: adds to the population. Gives the drawer. */
export async function addToPopulation(page: Page, button: RegExp, amount: number): Promise<Locator> {
  await page.getByRole("button", { name: button }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("button", { name: "Choose a field to change" }).click();
  await choose(page, drawer, "Field", "Population");
  await choose(page, drawer, "What", "add");
  await drawer.getByRole("textbox", { name: "New value of Population" }).fill(String(amount));
  return drawer;
}

async function choose(page: Page, within: Locator, name: string, option: string): Promise<void> {
  await within.getByRole("combobox", { name, exact: true }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}
