import { useEffect, useRef, useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import { ImportColumnsDocument } from "../generated/graphql.ts";
import type { Model } from "../models/model.ts";
import type { Answer } from "../parts/use-answer.ts";
import { useAnswer } from "../parts/use-answer.ts";
import type { ColumnUses, ImportForm } from "./import-form.ts";
import { emptyForm, mappingOf } from "./import-form.ts";
import type { Check } from "./launch-import.ts";
import { checkSample } from "./launch-import.ts";
import type { Sample } from "./read-sample.ts";
import { readSample } from "./read-sample.ts";
import type { ChosenFile } from "./uploads.ts";

type Change = (change: (before: ImportForm) => ImportForm) => void;

/** An import before it is launched. */
interface ImportDraft {
  readonly form: ImportForm;
  readonly change: Change;
  /** How the file begins; undefined until it is read. */
  readonly sample: Sample | undefined;
  /** What would become of its columns; undefined until it is known. */
  readonly uses: ColumnUses | undefined;
  /** Headers that mean nothing yet. */
  readonly unknown: readonly string[];
  /** Why the file cannot be imported so. */
  readonly problems: readonly string[];
  /** The sample, once nothing stands in the way. */
  readonly ready: Sample | undefined;
}

/** Reads the file's beginning, and asks what would become of its columns, whenever something else is chosen. */
export function useImportDraft(model: Model, chosen: ChosenFile): ImportDraft {
  const [form, change] = useState<ImportForm>(() => chosen.form ?? emptyForm(model.imports));
  const { format, encoding, separator, quote } = form;
  const dialect = { format, encoding, separator, quote };
  const sample = useAnswer(JSON.stringify(dialect), () => readSample(chosen.file, dialect));
  const uses = useColumnUses(model, form, sample.data);
  useGuess(chosen, uses.data, change);
  const isKnown = !sample.isLoading && !uses.isLoading;
  const columns = isKnown ? (uses.data?.columns ?? []) : [];
  const unknown = columns.filter(({ use }) => use === "UNKNOWN").map(({ header }) => header);
  const problems = isKnown ? problemsOf(sample, uses) : [];
  const isReady = isKnown && uses.data !== undefined && problems.length + unknown.length === 0;
  const ready = isReady ? sample.data : undefined;
  return { form, change, sample: sample.data, uses: uses.data, unknown, problems, ready };
}

function problemsOf(sample: Answer<Sample>, uses: Answer<ColumnUses | undefined>): readonly string[] {
  const faults = [sample.error, uses.error].filter((error) => error !== undefined);
  return sample.data?.headers.length === 0
    ? ["The file is empty."]
    : [...faults, ...(uses.data?.problems ?? [])];
}

function useColumnUses(
  model: Model,
  form: ImportForm,
  sample: Sample | undefined,
): Answer<ColumnUses | undefined> {
  const { connection } = useWorkspace();
  const { operation, key } = form;
  const question = {
    model: model.name,
    operation,
    headers: [...(sample?.headers ?? [])],
    mapping: sample === undefined ? {} : mappingOf(form, sample),
    ...(key === undefined || operation === "CREATE" ? {} : { key }),
  };
  return useAnswer(JSON.stringify(question), async () =>
    question.headers.length === 0
      ? undefined
      : (await connection.request(ImportColumnsDocument, question)).importColumns,
  );
}

/** A file that names no record by a key has new ones. Done once, before anybody chooses: of a file that was mended, all is known. */
function useGuess(chosen: ChosenFile, uses: ColumnUses | undefined, change: Change): void {
  const isGuessed = useRef(chosen.form !== undefined);
  useEffect(() => {
    if (isGuessed.current || uses === undefined) {
      return;
    }
    isGuessed.current = true;
    const paths = new Set(uses.columns.map(({ path }) => path));
    const key = uses.keys.find(
      ({ name, fields }) => paths.has(name) || fields.every((field) => paths.has(field)),
    );
    if (key === undefined) {
      change((before) => ({ ...before, operation: "CREATE" }));
    } else if (key.name !== "id") {
      change((before) => ({ ...before, key: key.name }));
    }
  }, [uses, change]);
}

/** @param path undefined for a column that is found by its name, empty for one that is left out */
export function mapped(form: ImportForm, header: string, path: string | undefined): ImportForm {
  const others = Object.entries(form.mapping).filter(([name]) => name !== header);
  const mapping = Object.fromEntries(path === undefined ? others : [...others, [header, path]]);
  return { ...form, mapping };
}

/** A choice is often followed by the next one. */
const PAUSE_MS = 400;

/** Tries the first rows anew whenever something else is chosen. */
export function useCheck(
  model: Model,
  form: ImportForm,
  sample: Sample | undefined,
  fileName: string,
): Answer<Check | undefined> {
  const { connection } = useWorkspace();
  // What is done about rows that fail makes no difference to whether they do.
  const { errorPolicy: _errorPolicy, ...asked } = form;
  const key = sample === undefined ? "" : JSON.stringify([asked, sample.dialect, sample.headers]);
  const answer = useAnswer(key, async (): Promise<Check | undefined> => {
    if (sample === undefined || sample.rows.length === 0) {
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return latestKey.current === key
      ? checkSample(connection, { model: model.name, form, sample, fileName })
      : undefined;
  });
  const latestKey = useRef(key);
  latestKey.current = key;
  return answer;
}
