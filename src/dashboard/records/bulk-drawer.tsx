import { Button, Drawer, Group, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useRef, useState } from "react";
import { watchTask } from "../frame/watched-tasks.ts";
import { useWorkspace } from "../frame/workspace.tsx";
import type { OnConflict } from "../generated/graphql.ts";
import type { Shape } from "../models/shape.ts";
import { errorText } from "../parts/error-text.ts";
import { recordsOf } from "../tasks/task-words.ts";
import { BulkPreview } from "./bulk-preview.tsx";
import type { ChangeDraft } from "./change-fields.tsx";
import { ChangeFields, changeOf } from "./change-fields.tsx";
import { ConflictChoice, ConflictNotice } from "./conflict-notice.tsx";
import type { BulkVerb, Launched, Target } from "./launch.ts";
import { launchBulk } from "./launch.ts";

const VERB_WORDS: Readonly<Record<BulkVerb, { readonly title: string; readonly launch: string }>> = {
  update: { title: "Edit", launch: "Change" },
  delete: { title: "Delete", launch: "Delete" },
};

/** Edits or deletes many records: what is to change on top, then a preview that changes nothing, then the launch. */
export function BulkDrawer(props: {
  shape: Shape;
  verb: BulkVerb;
  target: Target;
  /** Changes that are there from the start, with their preview. */
  start?: readonly ChangeDraft[];
  isOpen: boolean;
  onClose: () => void;
}): JSX.Element {
  const { shape, verb, target, isOpen, onClose } = props;
  const bulk = useBulk(props);
  const { drafts, change, busy } = bulk;
  const many = recordsOf(shape.model, target.count);
  const words = VERB_WORDS[verb];
  return (
    <Drawer opened={isOpen} onClose={onClose} position="right" size="lg" title={`${words.title} ${many}`}>
      <Stack gap="md">
        {verb === "update" ? (
          <ChangeFields shape={shape} drafts={drafts} onChange={bulk.edit} />
        ) : (
          <Text size="sm">They are deleted for good. A preview tells which ones cannot be.</Text>
        )}
        <ConflictChoice value={bulk.onConflict} onChange={bulk.chooseConflict} />
        <Group>
          <Button
            variant="default"
            disabled={change === undefined}
            loading={busy === "preview"}
            onClick={() => void bulk.run(true)}
          >
            Preview
          </Button>
          <Button
            disabled={change === undefined}
            loading={busy === "launch"}
            color={verb === "delete" ? "red" : undefined}
            onClick={() => void bulk.run(false)}
          >
            {words.launch} {many}
          </Button>
        </Group>
        {/* Below the buttons, which would move under the pointer while it grows. */}
        {bulk.refusal === undefined ? null : <ConflictNotice refusal={bulk.refusal} />}
        {bulk.preview === undefined ? null : <BulkPreview taskId={bulk.preview} verb={verb} />}
      </Stack>
    </Drawer>
  );
}

/** What is chosen in the drawer, and what came of it. */
function useBulk(props: {
  shape: Shape;
  verb: BulkVerb;
  target: Target;
  start?: readonly ChangeDraft[];
  onClose: () => void;
}) {
  const { shape, verb, target, start = [], onClose } = props;
  const { connection } = useWorkspace();
  const [drafts, setDrafts] = useState<readonly ChangeDraft[]>(start);
  const [onConflict, chooseConflict] = useState<OnConflict>("REJECT");
  const [preview, setPreview] = useState<string>();
  const [refusal, setRefusal] = useState<Launched>();
  const [busy, setBusy] = useState<"preview" | "launch">();
  const change = verb === "delete" ? {} : changeOf(shape, drafts);
  const edit = (next: readonly ChangeDraft[]): void => {
    setDrafts(next);
    setPreview(undefined);
    setRefusal(undefined);
  };
  const run = async (isDryRun: boolean): Promise<void> => {
    if (change === undefined) {
      return;
    }
    setBusy(isDryRun ? "preview" : "launch");
    setRefusal(undefined);
    try {
      const launched = await launchBulk(connection, shape, { verb, target, change, isDryRun, onConflict });
      if (launched.kind !== "launched") {
        setRefusal(launched);
      } else if (isDryRun) {
        setPreview(launched.taskId);
      } else {
        watchTask(launched.taskId);
        edit([]);
        onClose();
      }
    } catch (error) {
      setRefusal({ kind: "refused", message: errorText(error) });
    } finally {
      setBusy(undefined);
    }
  };
  const isStarted = useRef(start.length === 0);
  useEffect(() => {
    if (!isStarted.current) {
      isStarted.current = true;
      void run(true);
    }
  });
  return { drafts, edit, change, onConflict, chooseConflict, preview, refusal, busy, run };
}
