import type { JSX } from "react";
import { useState } from "react";
import { ImportButton } from "../imports/file-drop.tsx";
import type { ListVariables } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { NOTHING_MATCHES } from "../parts/notice.tsx";
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
      <ActionButton
        name="Export"
        reason={total === 0 ? NOTHING_MATCHES : undefined}
        onClick={() => setOpen(true)}
      />
      <ExportDrawer {...props} isOpen={isOpen} onClose={() => setOpen(false)} />
    </>
  );
}
