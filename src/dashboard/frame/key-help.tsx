import { ActionIcon, Kbd, Modal, Table, Text } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import type { JSX } from "react";

const KEYS: readonly (readonly [keys: readonly string[], deed: string])[] = [
  [["/"], "Go to the search of the list"],
  [["f"], "Add a filter to the list"],
  [["↑", "↓"], "Move between the rows of a list"],
  [["Space"], "Choose the row, or leave it out again"],
  [["Enter"], "Open the row"],
  [["Tab"], "Go to the next control"],
  [["Esc"], "Close what is open, and go back to where it was opened"],
  [["?"], "Show these keys"],
];

/** A sheet of the keys, behind a button and a key of its own. */
export function KeyHelp(): JSX.Element {
  const [isOpen, sheet] = useDisclosure(false);
  useHotkeys([
    ["?", sheet.open],
    // Most keyboards have it above another key.
    ["shift+?", sheet.open],
  ]);
  return (
    <>
      <ActionIcon variant="subtle" color="gray" aria-label="Keys" title="Keys (?)" onClick={sheet.open}>
        <Text span size="sm" fw={600} aria-hidden="true">
          ?
        </Text>
      </ActionIcon>
      <Modal opened={isOpen} onClose={sheet.close} title="Keys" size="sm">
        <Table verticalSpacing={6} variant="vertical">
          <Table.Tbody>
            {KEYS.map(([keys, deed]) => (
              <Table.Tr key={deed}>
                <Table.Td w={110}>
                  {keys.map((one) => (
                    <Kbd key={one} mr={4}>
                      {one}
                    </Kbd>
                  ))}
                </Table.Td>
                <Table.Td>{deed}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Modal>
    </>
  );
}
