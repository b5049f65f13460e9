import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import type { JSX, ReactNode } from "react";

/** Why nothing can be done with the records of a list. */
export const NOTHING_MATCHES = "No record matches.";

/** What went wrong, and one way on. */
export function Failure(props: { message: string; onRetry?: () => void }): JSX.Element {
  return (
    <Alert color="red" variant="light" title="That did not work" role="alert">
      <Group justify="space-between">
        <Text size="sm">{props.message}</Text>
        {props.onRetry === undefined ? null : (
          <Button size="xs" variant="default" onClick={props.onRetry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** One sentence and one action, where there is nothing to show. */
export function Empty(props: { children: ReactNode; action?: ReactNode }): JSX.Element {
  return (
    <Stack align="center" gap="sm" py={64}>
      <Text c="dimmed" size="sm">
        {props.children}
      </Text>
      {props.action}
    </Stack>
  );
}
