import { expect, test } from "vitest";
import type { Viewer } from "../../../src/index.ts";
import { exportText, importText } from "./files-of.ts";
import type { Answer } from "./models-fixture.ts";
import type { Tenants } from "./tenants-fixture.ts";
import { A, B } from "./tenants-fixture.ts";

/** Tests that exports, imports and previews stay within a tenant. */
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

  test("a dry run is seen by others as far as their own policies let them, whoever sees its task", async () => {
    const { own, others } = await made().fillBoth("Tag");
    const selection = { ids: [...own, ...others] };
    const args = made().world.typed("bulkUpdateTags", { selection, data: { label: { set: "tried" } } });
    const { id } = await made().world.api.run(
      "bulkUpdateTags",
      args,
      { dryRun: true, errorPolicy: "SKIP_FAILED" },
      A,
    );
    const seenBy = async (who: Viewer): Promise<Answer> => {
      const source = `{ task(id: "${id}") { input message preview(first: 100) { records { recordId before } fields { field } } } }`;
      return (await made().as(who, () => made().world.api.data(source))).task;
    };
    const records = (task: Answer): string[] =>
      task.preview.records
        .flatMap((each: Answer) => (each.before === null ? [] : [each.recordId]))
        .toSorted();
    const ofA = await seenBy(A);
    expect(records(ofA)).toEqual(own.toSorted());
    expect(ofA).toMatchObject({ input: { data: {} }, preview: { fields: [{ field: "label" }] } });
    expect(await seenBy(B)).toEqual({ input: null, message: null, preview: { records: [], fields: [] } });
  });
}
