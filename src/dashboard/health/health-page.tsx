import { Button, Group, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import type { JSX } from "react";
import { useEffect } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { HealthQuery } from "../generated/graphql.ts";
import { HealthDocument } from "../generated/graphql.ts";
import { inWords } from "../models/model.ts";
import { Failure } from "../parts/notice.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { useAnswer } from "../parts/use-answer.ts";

const COLORS = { OK: "green", WARNING: "yellow", FAILED: "red" } as const;
const WORDS = { OK: "works", WARNING: "needs attention", FAILED: "does not work" } as const;

/**
 * Whether all parts of the deployment work, and its processes. Each look is a check of its own: it is made when the page is
 * opened or looked at again, when the service is back, and on demand.
 */
export function HealthPage(): JSX.Element {
  const { connection } = useWorkspace();
  const { data, error, isLoading, reload } = useAnswer("health", async () => ({
    ...(await connection.request(HealthDocument, {})).health,
    at: new Date(),
  }));
  useLookedAt(reload);
  return (
    <Stack maw={860}>
      <Group justify="space-between">
        <Title order={1} size="h3">
          Health
        </Title>
        <Group gap="xs">
          <Text size="xs" c="dimmed" className="numbers">
            {data === undefined ? "" : `as of ${data.at.toLocaleTimeString(undefined, { hour12: false })}`}
          </Text>
          <Button size="xs" variant="default" loading={isLoading} onClick={reload}>
            Check again
          </Button>
        </Group>
      </Group>
      {error === undefined ? null : <Failure message={error} onRetry={reload} />}
      {data === undefined ? (
        error === undefined ? (
          <Skeleton height={320} />
        ) : null
      ) : (
        <HealthTables health={data} />
      )}
    </Stack>
  );
}

function workersInWords(workers: number): string {
  switch (workers) {
    case 0:
      return "No process runs tasks: they stay in the queue until one does.";
    case 1:
      return "1 process runs tasks.";
    default:
      return `${workers} processes run tasks.`;
  }
}

/** Runs `action` when one comes back to the tab. */
function useLookedAt(action: () => void): void {
  useEffect(() => {
    const look = (): void => (document.visibilityState === "visible" ? action() : undefined);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [action]);
}

function HealthTables({ health }: { health: HealthQuery["health"] }): JSX.Element {
  return (
    <>
      <Text size="sm">
        <b>{health.isHealthy ? "The service works." : "Something does not work."}</b>{" "}
        {workersInWords(health.workersAlive)} Tasks and messages go by {health.backend}:{" "}
        {health.backendReason}
      </Text>
      <Table verticalSpacing={6}>
        <Table.Tbody>
          {health.checks.map(({ name, status, message }) => (
            <Table.Tr key={name}>
              <Table.Td>{inWords(name)}</Table.Td>
              <Table.Td>
                <span className={`status status-${COLORS[status]}`}>{WORDS[status]}</span>
              </Table.Td>
              <Table.Td className="sentence">{message}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Title order={2} size="h5">
        Processes
      </Title>
      <Table.ScrollContainer minWidth={480}>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Process</Table.Th>
              <Table.Th>Role</Table.Th>
              <Table.Th>Tasks at a time</Table.Th>
              <Table.Th>Started</Table.Th>
              <Table.Th>Seen</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {health.processes.map(({ id, role, concurrency, startedAt, seenAt }) => (
              <Table.Tr key={id}>
                <Table.Td>{id}</Table.Td>
                <Table.Td>{inWords(role.toLowerCase())}</Table.Td>
                <Table.Td>{concurrency}</Table.Td>
                <Table.Td>
                  <TimeText at={startedAt} />
                </Table.Td>
                <Table.Td>
                  <TimeText at={seenAt} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  );
}
