import { Card, Table, Text } from "@mantine/core";
import type { JSX } from "react";
import type { Shape } from "../models/shape.ts";
import { Toggles } from "../parts/toggles.tsx";
import type { Clash } from "./clash.ts";
import { ValueText } from "./value-text.tsx";

const CHOICES = [
  { value: "mine", label: "Keep mine" },
  { value: "theirs", label: "Take theirs" },
] as const;

/** What somebody else changed meanwhile beside what one typed, field by field, and which of both is kept. */
export function ClashTable({ shape, clash }: { shape: Shape; clash: Clash }): JSX.Element {
  return (
    <Card withBorder data-stale={clash.fields.length} style={{ overflowX: "auto" }}>
      <Table verticalSpacing={2} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Field</Table.Th>
            <Table.Th>When you opened it</Table.Th>
            <Table.Th>Now</Table.Th>
            <Table.Th>Yours</Table.Th>
            <Table.Th>
              <span className="sr-only">What is kept</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {clash.fields.map(({ field, before, now, mine, isBoth }) => (
            <Table.Tr key={field.name} data-clash={field.name}>
              <Table.Td>{field.title}</Table.Td>
              <Table.Td>
                <ValueText shape={shape} field={field} value={before} />
              </Table.Td>
              <Table.Td>
                <ValueText shape={shape} field={field} value={now} />
              </Table.Td>
              <Table.Td>
                {mine === undefined ? (
                  <Text span size="sm" c="dimmed">
                    not changed
                  </Text>
                ) : mine.isLinks ? (
                  "other links"
                ) : (
                  <ValueText shape={shape} field={field} value={mine.value} />
                )}
              </Table.Td>
              <Table.Td>
                {isBoth ? (
                  <Toggles
                    label={`Whose ${field.title} is kept`}
                    data={CHOICES}
                    value={clash.kept.get(field.name)}
                    onChange={(whose) => clash.keep(field.name, whose)}
                  />
                ) : null}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
