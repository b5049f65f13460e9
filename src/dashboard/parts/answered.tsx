import { Text } from "@mantine/core";
import type { JSX } from "react";
import { Empty, Failure } from "./notice.tsx";
import type { Answer } from "./use-answer.ts";

/** Draws what was read; until then that it is being read, and else why it is not there. */
export function Answered<Data>(props: {
  answer: Answer<Data | undefined>;
  /** Says that there is no such thing. */
  missing: string;
  /** Shown while it is read, as high as what will come. */
  skeleton?: JSX.Element;
  children: (data: Data) => JSX.Element;
}): JSX.Element {
  const { answer, missing, skeleton, children } = props;
  if (answer.data !== undefined) {
    return children(answer.data);
  }
  if (answer.error !== undefined) {
    return <Failure message={answer.error} onRetry={answer.reload} />;
  }
  return answer.isLoading ? (skeleton ?? <Text c="dimmed">Loading…</Text>) : <Empty>{missing}</Empty>;
}
