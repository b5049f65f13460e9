import { Button, Code, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { JSX } from "react";
import { Section } from "../parts/section.tsx";
import { inputInWords } from "./input-words.ts";

/** What a task was launched with, as a sentence where it has the form of one, and as JSON on demand. */
export function TaskInput({ kind, input }: { kind: string; input: unknown }): JSX.Element | null {
  const sentence = inputInWords(kind, input);
  return input === null || input === undefined ? null : (
    <Data title="Input" value={input} sentence={sentence} />
  );
}

/** What a task gave back. */
export function TaskResult({ result }: { result: unknown }): JSX.Element | null {
  return result === null || result === undefined ? null : (
    <Data title="Result" value={result} sentence={plainText(result)} />
  );
}

/** Texts and numbers need no JSON. */
function plainText(value: unknown): string | undefined {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : undefined;
}

function Data(props: { title: string; value: unknown; sentence: string | undefined }): JSX.Element {
  const { title, value, sentence } = props;
  const [isOpen, { toggle }] = useDisclosure(sentence === undefined);
  return (
    <Section title={title}>
      <Stack gap={4}>
        {sentence === undefined ? null : (
          <Group justify="space-between" align="start" wrap="nowrap" gap="xs">
            <Text size="sm" className="sentence">
              {sentence}
            </Text>
            <Button size="compact-xs" variant="subtle" aria-expanded={isOpen} onClick={toggle}>
              {isOpen ? "Hide JSON" : "JSON"}
            </Button>
          </Group>
        )}
        {isOpen ? (
          <Code block className="data" tabIndex={0} aria-label={`${title} as JSON`}>
            {JSON.stringify(value, undefined, 2)}
          </Code>
        ) : null}
      </Stack>
    </Section>
  );
}
