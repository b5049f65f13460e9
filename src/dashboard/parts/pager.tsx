import { Group } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX } from "react";
import type { PageEndsFragment } from "../generated/graphql.ts";
import type { Window } from "../models/list-document.ts";
import { ActionButton } from "./action-button.tsx";

/** Leads to the pages before and behind; the address keeps where one is. */
export function Pager(props: {
  page: PageEndsFragment;
  to: string;
  params?: Readonly<Record<string, string>>;
  search: object;
}): JSX.Element {
  const { page, to, params, search } = props;
  const navigate = useNavigate();
  return (
    <PageButtons
      page={page}
      onGo={(window) =>
        void navigate({
          to,
          params,
          search: { ...search, after: undefined, before: undefined, ...window },
        } as never)
      }
    />
  );
}

/** The buttons to the pages before and behind, where there are any. */
export function PageButtons(props: {
  page: PageEndsFragment;
  onGo: (window: Window) => void;
}): JSX.Element | null {
  const { page, onGo } = props;
  if (!page.hasNextPage && !page.hasPreviousPage) {
    return null;
  }
  return (
    <Group gap="xs" justify="end">
      <ActionButton
        name="Previous"
        reason={page.hasPreviousPage ? undefined : "This is the first page."}
        onClick={() => onGo({ before: page.startCursor ?? "" })}
      />
      <ActionButton
        name="Next"
        reason={page.hasNextPage ? undefined : "This is the last page."}
        onClick={() => onGo({ after: page.endCursor ?? "" })}
      />
    </Group>
  );
}
