import { expect, test } from "vitest";
import { exportText, importText } from "./files-of.ts";
import type { Tenants } from "./tenants-fixture.ts";
import { A, B } from "./tenants-fixture.ts";

/** Tests that exports and imports stay within a tenant. */
export function describeTenantFiles(made: () => Tenants): void {
  test("files hold one tenant's records, and change no other's", async () => {
    const { own, others } = await made().fillBoth("Tag");
    const { powercrud } = made().world.api;
    const file = await exportText(powercrud, "Tag", "csv", { viewer: A, fields: ["id", "label"] });
    expect(file.split("\r\n").map((line) => line.split(",")[0])).toEqual(["id", ...own, ""]);
    const before = await made().rowsOfOthers();
    const lines = [...own, ...others].map((id) => `${id},changed ${id}`);
    const form = { model: "Tag", operation: "UPDATE", format: "csv" } as const;
    expect(await importText(powercrud, form, ["id,label", ...lines].join("\n"), A)).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 2, failed: 0, skipped: 2 },
    });
    expect(await made().rowsOfOthers()).toEqual(before);
    const launched = await powercrud.tasks.launch("export", { model: "Tag", format: "CSV" }, { viewer: B });
    const { id } = "task" in launched ? launched.task : { id: "" };
    expect(await powercrud.tasks.wait(id)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
    // A new record is its sender's, whatever the file says.
    const creating = { ...form, operation: "CREATE" } as const;
    await importText(powercrud, creating, "label\nof the file", B);
    const rows = await made().world.api.query(`SELECT tenant FROM shop."Tag" WHERE label = 'of the file'`);
    expect(rows).toEqual([{ tenant: "B" }]);
  });
}
