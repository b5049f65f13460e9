import {
  Button,
  Checkbox,
  Collapse,
  Group,
  Input,
  Paper,
  Radio,
  Select,
  Stack,
  TextInput,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { JSX } from "react";
import type { ErrorPolicy, ImportOperation } from "../generated/graphql.ts";
import type { Model } from "../models/model.ts";
import { ConflictChoice } from "../records/conflict-notice.tsx";
import type { ColumnUses, ImportForm } from "./import-form.ts";
import type { Sample } from "./read-sample.ts";

type Change = (part: Partial<ImportForm>) => void;

interface OptionsProps {
  readonly form: ImportForm;
  /** What was found out from the file; undefined until then. */
  readonly dialect: Sample["dialect"] | undefined;
  readonly onChange: Change;
}
import { Toggles } from "../parts/toggles.tsx";

const OPERATION_WORDS: Readonly<Record<ImportOperation, string>> = {
  UPSERT: "Change or create",
  CREATE: "Create",
  UPDATE: "Change",
};
const FORMATS = [
  { value: "CSV", label: "CSV" },
  { value: "JSONL", label: "JSON Lines" },
];
const ENCODINGS = [
  { value: "UTF_8", label: "UTF-8" },
  { value: "ISO_8859_1", label: "Latin 1 (Windows)" },
  { value: "UTF_16LE", label: "UTF-16 LE" },
  { value: "UTF_16BE", label: "UTF-16 BE" },
];
const SEPARATORS = [
  { value: ",", label: "Comma" },
  { value: ";", label: "Semicolon" },
  { value: "\t", label: "Tab" },
  { value: "|", label: "Vertical bar" },
];
const QUOTES = [
  { value: '"', label: 'Double quotes "' },
  { value: "'", label: "Single quotes '" },
];
const EMPTY_CELLS = [
  { value: "BY_QUOTES", label: 'Nothing; "" is an empty text' },
  { value: "NULL", label: "Nothing" },
  { value: "TEXT", label: "An empty text" },
];

/** What is done with the rows, and how the file is read. */
export function ImportOptions(props: OptionsProps & { model: Model; keys: ColumnUses["keys"] }): JSX.Element {
  const { model, form, dialect, keys, onChange } = props;
  const [isOpen, { toggle }] = useDisclosure(false);
  return (
    <Stack gap="sm">
      <Group gap="lg" align="end">
        <Input.Wrapper size="xs" label="What to do with the rows">
          <div>
            <Toggles
              label="What to do with the rows"
              data={model.imports.map((value) => ({ value, label: OPERATION_WORDS[value] }))}
              value={form.operation}
              onChange={(operation) => onChange({ operation })}
            />
          </div>
        </Input.Wrapper>
        {form.operation === "CREATE" || keys.length === 0 ? null : (
          <Select
            size="xs"
            w={200}
            label="Rows name their records by"
            allowDeselect={false}
            data={keys.map(({ name, fields }) => ({ value: name, label: fields.join(" and ") }))}
            value={form.key ?? keys[0]?.name ?? null}
            onChange={(key) => onChange({ key: key === null || key === "id" ? undefined : key })}
          />
        )}
      </Group>
      <Group gap="xl" align="start">
        <Radio.Group
          size="xs"
          label="If a row cannot be written"
          value={form.errorPolicy}
          onChange={(errorPolicy: ErrorPolicy) => onChange({ errorPolicy })}
        >
          <Group gap="md" mt={4}>
            <Radio size="xs" value="SKIP_FAILED" label="Write the others" />
            <Radio size="xs" value="ALL_OR_NOTHING" label="Write nothing" />
          </Group>
        </Radio.Group>
        <ConflictChoice value={form.onConflict} onChange={(onConflict) => onChange({ onConflict })} />
      </Group>
      <Group>
        <Button size="compact-xs" variant="subtle" onClick={toggle} aria-expanded={isOpen}>
          {dialect === undefined ? "How the file is read" : `The file is read as ${dialectInWords(dialect)}`}
        </Button>
      </Group>
      <Collapse expanded={isOpen}>
        <Paper withBorder p="sm">
          <DialectFields form={form} dialect={dialect} onChange={onChange} />
        </Paper>
      </Collapse>
    </Stack>
  );
}

function dialectInWords({ format, encoding, separator }: Sample["dialect"]): string {
  const label = (list: readonly { value: string; label: string }[], value: string): string =>
    list.find((one) => one.value === value)?.label ?? `"${value}"`;
  return [
    label(FORMATS, format),
    label(ENCODINGS, encoding),
    ...(format === "CSV" ? [`separated by ${label(SEPARATORS, separator).toLowerCase()}`] : []),
  ].join(", ");
}

function DialectFields({ form, dialect, onChange }: OptionsProps): JSX.Element {
  const choice = (
    label: string,
    name: "format" | "encoding" | "separator" | "quote" | "empty",
    data: readonly { value: string; label: string }[],
  ): JSX.Element => {
    const value = form[name] ?? (name === "empty" ? undefined : dialect?.[name]) ?? null;
    const isListed = value === null || data.some((one) => one.value === value);
    return (
      <Select
        size="xs"
        w={180}
        label={label}
        allowDeselect={false}
        data={isListed ? [...data] : [...data, { value, label: value }]}
        value={value}
        onChange={(next) => onChange({ [name]: next ?? undefined })}
      />
    );
  };
  const isCsv = dialect?.format !== "JSONL";
  return (
    <Stack gap="sm">
      <Group gap="sm" align="end">
        {choice("Format", "format", FORMATS)}
        {choice("Encoding", "encoding", ENCODINGS)}
        {isCsv ? choice("Separator", "separator", SEPARATORS) : null}
        {isCsv ? choice("Quotes", "quote", QUOTES) : null}
        {isCsv ? choice("An empty cell is", "empty", EMPTY_CELLS) : null}
        <TextInput
          size="xs"
          w={180}
          label="Times without an offset are"
          placeholder="refused; or Z, +02:00"
          value={form.timeOffset}
          onChange={(event) => onChange({ timeOffset: event.currentTarget.value.trim() })}
        />
      </Group>
      <Checkbox
        size="xs"
        label="Numbers have a comma before their fraction: 12,5"
        checked={form.hasDecimalComma}
        onChange={(event) => onChange({ hasDecimalComma: event.currentTarget.checked })}
      />
      {isCsv ? (
        <Checkbox
          size="xs"
          label="An apostrophe in front of a formula is not part of the text, as in files that were exported here"
          checked={form.areFormulasEscaped}
          onChange={(event) => onChange({ areFormulasEscaped: event.currentTarget.checked })}
        />
      ) : null}
    </Stack>
  );
}
