import { defineConfig } from "powercrud-graphql";
import { generated } from "./generated/powercrud.ts";
import { reportStock } from "./tasks/report-stock.ts";
import { restock } from "./tasks/restock.ts";

const receiver = process.env["RECEIVER_URL"];

export default defineConfig({
  generated,
  models: { Shelf: { plural: "shelves" }, Count: { isExposed: false } },
  tasks: [restock, reportStock],
  schedules: [
    { name: "nightly-report", cron: "0 3 * * *", timeZone: "Europe/Paris", task: reportStock, input: {} },
  ],
  // The receiver runs on this machine, so private addresses are allowed here.
  notify: receiver
    ? {
        kinds: { restock: [{ channel: "WEBHOOK", target: receiver }] },
        webhook: { isPrivateAllowed: true },
      }
    : {},
});
