import { Select, Stack, Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX } from "react";
import { useWorkspace } from "../frame/workspace.tsx";

/** Chooses the model whose records are in a file. */
export function ImportStartPage(): JSX.Element {
  const models = useWorkspace().models.filter(({ imports }) => imports.length > 0);
  const navigate = useNavigate();
  return (
    <Stack gap="md">
      <Title order={1} size="h3">
        Import a file
      </Title>
      <Select
        size="sm"
        maw={360}
        searchable
        label="What is in the file?"
        description="A file can also be dropped on the page of its records."
        placeholder="Choose a model"
        data={models.map(({ name, title }) => ({ value: name, label: title }))}
        value={null}
        onChange={(model) =>
          model === null ? undefined : void navigate({ to: "/imports/$model", params: { model } })
        }
      />
    </Stack>
  );
}
