import { Button, Group } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX } from "react";
import type { PageEndsFragment } from "../generated/graphql.ts";

/** Leads to the pages before and behind; the address keeps where one is. */
export function Pager(props: {
  page: PageEndsFragment;
  to: string;
  params?: Readonly<Record<string, string>>;
  search: object;
}): JSX.Element | null {
  const { page, to, params, search } = props;
  const navigate = useNavigate();
  const go = (window: { after?: string; before?: string }): void =>
    void navigate({
      to,
      params,
      search: { ...search, after: undefined, before: undefined, ...window },
    } as never);
  if (!page.hasNextPage && !page.hasPreviousPage) {
    return null;
  }
  return (
    <Group gap="xs" justify="end">
      <Button
        size="xs"
        variant="default"
        disabled={!page.hasPreviousPage}
        onClick={() => go({ before: page.startCursor ?? "" })}
      >
        Previous
      </Button>
      <Button
        size="xs"
        variant="default"
        disabled={!page.hasNextPage}
        onClick={() => go({ after: page.endCursor ?? "" })}
      >
        Next
      </Button>
    </Group>
  );
}
