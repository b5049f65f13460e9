import { Button, FileButton, Paper, Stack, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { DragEvent, JSX, ReactNode } from "react";
import { useState } from "react";
import { chooseFile } from "./uploads.ts";

const ACCEPTED = ".csv,.tsv,.txt,.jsonl,.ndjson,text/csv,application/jsonl,application/x-ndjson";

/** Goes to the page of the import, with the file. */
function useImportPage(model: string): (file: File) => void {
  const navigate = useNavigate();
  return (file) => {
    chooseFile(model, { file });
    void navigate({ to: "/imports/$model", params: { model } });
  };
}

/** Chooses a file by the system's own dialog. */
export function ChooseFile(props: {
  onFile: (file: File) => void;
  children: ReactNode;
  isMain?: boolean;
}): JSX.Element {
  return (
    <FileButton onChange={(file) => (file === null ? undefined : props.onFile(file))} accept={ACCEPTED}>
      {(button) => (
        <Button {...button} size="xs" variant={props.isMain === true ? "filled" : "default"}>
          {props.children}
        </Button>
      )}
    </FileButton>
  );
}

/** Chooses a file, and goes to the page of its import. */
export function ImportButton({ model }: { model: string }): JSX.Element {
  return <ChooseFile onFile={useImportPage(model)}>Import</ChooseFile>;
}

/** Around a page of the model: a file that is dropped there leads to the page of its import. */
export function ImportDrop(props: { model: string; isPossible: boolean; children: ReactNode }): JSX.Element {
  const go = useImportPage(props.model);
  return props.isPossible ? <DropZone onFile={go}>{props.children}</DropZone> : <div>{props.children}</div>;
}

/** Takes files that are dropped on it, and shows that it does. */
function DropZone(props: { onFile: (file: File) => void; children: ReactNode }): JSX.Element {
  const [isOver, setOver] = useState(false);
  const hasFile = (event: DragEvent): boolean => event.dataTransfer.types.includes("Files");
  return (
    <div
      className="drop"
      data-over={isOver}
      onDragOver={(event) => {
        if (hasFile(event)) {
          event.preventDefault();
          setOver(true);
        }
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) {
          setOver(false);
        }
      }}
      onDrop={(event) => {
        setOver(false);
        const [file] = event.dataTransfer.files;
        if (file !== undefined) {
          event.preventDefault();
          props.onFile(file);
        }
      }}
    >
      {props.children}
      {isOver ? <div className="drop-hint">Drop the file to import it</div> : null}
    </div>
  );
}

/** Where one drops a file, with the words for who has none in hand. */
export function FileDrop(props: { onFile: (file: File) => void; children: ReactNode }): JSX.Element {
  return (
    <DropZone onFile={props.onFile}>
      <Paper withBorder p="xl" className="drop-field">
        <Stack align="center" gap="sm">
          <Text fw={500}>Drop a file here</Text>
          <ChooseFile onFile={props.onFile} isMain>
            Choose a file
          </ChooseFile>
          <Text size="sm" c="dimmed" ta="center" maw={520}>
            {props.children}
          </Text>
        </Stack>
      </Paper>
    </DropZone>
  );
}
