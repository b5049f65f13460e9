import { defineConfig } from "powercrud-graphql";
import { generated } from "./generated/powercrud.ts";
import { reportStock } from "./tasks/report-stock.ts";
import { restock } from "./tasks/restock.ts";

export default defineConfig({
  generated,
  models: { Shelf: { plural: "shelves" }, Count: { isExposed: false } },
  tasks: [restock, reportStock],
  schedules: [
    {
      name: "nightly-report",
      cron: "0 3 * * *",
      timeZone: "Europe/Paris",
      task: reportStock,
      input: { below: 5 },
    },
  ],
  // The receiver runs on this machine, so private addresses are allowed here.
  notify: { webhook: { isPrivateAllowed: true } },
});
