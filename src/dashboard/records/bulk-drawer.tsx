import { Drawer, Group, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useRef, useState } from "react";
import { watchTask } from "../frame/watched-tasks.ts";
import { useWorkspace } from "../frame/workspace.tsx";
import type { OnConflict } from "../generated/graphql.ts";
import type { Shape } from "../models/shape.ts";
import { ActionButton, PRIMARY } from "../parts/action-button.tsx";
import { errorText } from "../parts/error-text.ts";
import { recordsOf } from "../tasks/task-words.ts";
import { BulkPreview } from "./bulk-preview.tsx";
import type { ChangeDraft } from "./change-fields.tsx";
import { ChangeFields, changeOf } from "./change-fields.tsx";
import { ConflictChoice, ConflictNotice } from "./conflict-notice.tsx";
import type { BulkChange, BulkVerb, Launched, Target } from "./launch.ts";
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
  const reason =
    change !== undefined
      ? undefined
      : drafts.length === 0
        ? "Choose a field to change first."
        : "Say what each chosen field is to become first.";
  const many = recordsOf(shape.model, target.count);
  const words = VERB_WORDS[verb];
  return (
    <Drawer opened={isOpen} onClose={onClose} position="right" size={1080} title={`${words.title} ${many}`}>
      <div className="bulk">
        <Stack gap="md">
          {verb === "update" ? (
            <ChangeFields shape={shape} drafts={drafts} onChange={bulk.edit} />
          ) : (
            <Text size="sm">They are deleted for good. A preview tells which ones cannot be.</Text>
          )}
          <ConflictChoice value={bulk.onConflict} onChange={bulk.chooseConflict} />
          <Group>
            <ActionButton
              name={`Preview all ${many}`}
              size="sm"
              reason={reason}
              isBusy={busy === "preview"}
              onClick={() => void bulk.run(true)}
            />
            <ActionButton
              name={`${words.launch} ${many}`}
              size="sm"
              color={verb === "delete" ? "red" : PRIMARY}
              reason={reason}
              isBusy={busy === "launch"}
              onClick={() => void bulk.run(false)}
            />
          </Group>
        </Stack>
        <Stack gap="md" component="section" aria-label="Preview" aria-live="polite">
          {bulk.refusal === undefined ? null : <ConflictNotice refusal={bulk.refusal} />}
          {bulk.preview === undefined ? (
            <Text size="sm" c="dimmed">
              {bulk.isTrying || busy === "preview"
                ? "Trying…"
                : "What would change is shown here before anything does."}
            </Text>
          ) : (
            <BulkPreview shape={shape} verb={verb} {...bulk.preview} />
          )}
        </Stack>
      </div>
    </Drawer>
  );
}

const PATIENCE_MS = 3000;
/** One types until a try begins this long after the last letter. */
const PAUSE_MS = 500;

/** A dry run: of all records, or of the first of so many. */
interface Preview {
  readonly taskId: string;
  readonly sampleOf?: number;
}

interface BulkProps {
  readonly shape: Shape;
  readonly verb: BulkVerb;
  readonly target: Target;
  readonly start?: readonly ChangeDraft[];
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** What is chosen in the drawer, and what came of it. */
function useBulk({ shape, verb, target, start = [], isOpen, onClose }: BulkProps) {
  const { connection } = useWorkspace();
  const [drafts, setDrafts] = useState<readonly ChangeDraft[]>(start);
  const [onConflict, chooseConflict] = useState<OnConflict>("REJECT");
  const [preview, setPreview] = useState<Preview>();
  const [refusal, setRefusal] = useState<Launched>();
  const [busy, setBusy] = useState<"preview" | "launch">();
  const change = verb === "delete" ? NO_CHANGE : changeOf(shape, drafts);
  const launch = (dryRun?: "SAMPLE" | "ALL"): Promise<Launched> =>
    launchBulk(connection, shape, {
      verb,
      target,
      change: change ?? NO_CHANGE,
      onConflict,
      ...(dryRun === undefined ? {} : { dryRun }),
    }).catch((error: unknown) => ({ kind: "refused", message: errorText(error) }));
  const isStarted = useRef(start.length === 0);
  const sample = useSample({
    question: JSON.stringify([change, onConflict, target.sample]),
    isWanted: isOpen && change !== undefined && busy === undefined && isStarted.current,
    ask: () => launch("SAMPLE"),
    onAnswer(launched) {
      setRefusal(launched.kind === "launched" ? undefined : launched);
      const part = target.sample.length < target.count ? { sampleOf: target.count } : {};
      setPreview(launched.kind === "launched" ? { taskId: launched.taskId, ...part } : undefined);
    },
  });
  const forget = (): void => {
    setPreview(undefined);
    setRefusal(undefined);
  };
  const edit = (next: readonly ChangeDraft[]): void => {
    setDrafts(next);
    forget();
  };
  // What is typed stays for other records, what came of it does not.
  useEffect(forget, [target]);
  const run = async (isDryRun: boolean): Promise<void> => {
    if (change === undefined) {
      return;
    }
    setBusy(isDryRun ? "preview" : "launch");
    setRefusal(undefined);
    if (isDryRun) {
      setPreview(undefined);
    }
    await sample.stop();
    const launched = await launch(isDryRun ? "ALL" : undefined);
    setBusy(undefined);
    if (launched.kind !== "launched") {
      setRefusal(launched);
    } else if (isDryRun) {
      setPreview({ taskId: launched.taskId });
    } else {
      watchTask(launched.taskId);
      edit([]);
      onClose();
    }
  };
  useEffect(() => {
    if (!isStarted.current) {
      isStarted.current = true;
      void run(true);
    }
  });
  return {
    drafts,
    edit,
    change,
    onConflict,
    chooseConflict,
    preview,
    refusal,
    busy,
    run,
    isTrying: sample.isTrying,
  };
}

const NO_CHANGE: BulkChange = {};

/** Tries each new question once one has stopped typing. An answer to an old question is dropped. */
function useSample(options: {
  /** The same as long as the answer would be. */
  readonly question: string;
  readonly isWanted: boolean;
  readonly ask: () => Promise<Launched>;
  readonly onAnswer: (launched: Launched) => void;
}): { readonly isTrying: boolean; stop(): Promise<unknown> } {
  const { question, isWanted } = options;
  const latest = useRef(options);
  latest.current = options;
  const asked = useRef<string>(undefined);
  const turn = useRef(0);
  const running = useRef<Promise<unknown>>(Promise.resolve());
  const [isTrying, setTrying] = useState(false);
  useEffect(() => {
    if (!isWanted || asked.current === question) {
      return undefined;
    }
    const timer = setTimeout(() => {
      asked.current = question;
      const mine = (turn.current += 1);
      setTrying(true);
      const answer = async (): Promise<void> => {
        const launched = await latest.current.ask();
        if (turn.current === mine) {
          setTrying(false);
          latest.current.onAnswer(launched);
        }
      };
      running.current = answer();
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [question, isWanted]);
  return {
    isTrying,
    stop() {
      // What is asked for now stands in the place of its answer, and of a try that has not begun.
      asked.current = latest.current.question;
      turn.current += 1;
      setTrying(false);
      // It holds its records while it runs. If it cannot go on, the launch is told by what it is held up.
      return Promise.race([running.current, new Promise((go) => setTimeout(go, PATIENCE_MS))]);
    },
  };
}
