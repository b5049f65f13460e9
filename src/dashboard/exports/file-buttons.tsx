import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import { ImportButton } from "../imports/file-drop.tsx";
import type { ListVariables } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import { ExportDrawer } from "./export-drawer.tsx";

/** Records in from a file, and out into one. */
export function FileButtons(props: {
  shape: Shape;
  columns: readonly Field[];
  total: number;
  variables: ListVariables;
}): JSX.Element {
  const { shape, total } = props;
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      {shape.model.imports.length === 0 ? null : <ImportButton model={shape.model.name} />}
      <Button size="xs" variant="default" disabled={total === 0} onClick={() => setOpen(true)}>
        Export
      </Button>
      <ExportDrawer {...props} isOpen={isOpen} onClose={() => setOpen(false)} />
    </>
  );
}
