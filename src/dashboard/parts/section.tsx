import { Stack, Title } from "@mantine/core";
import type { JSX, ReactNode } from "react";

/** A part of a page under a heading. */
export function Section({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  return (
    <Stack gap="xs" component="section">
      <Title order={2} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}
