import { Button } from "@mantine/core";
import type { JSX, ReactNode } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import { errorText } from "./error-text.ts";
import { Failure } from "./notice.tsx";

/** Fetches a file of the service. */
export function DownloadButton(props: {
  /** Where it is, from the service's root. */
  path: string;
  /** What the browser calls it. */
  name: string;
  children: ReactNode;
  isMain?: boolean;
}): JSX.Element {
  const { path, name, children, isMain } = props;
  const { connection } = useWorkspace();
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const download = async (): Promise<void> => {
    setBusy(true);
    try {
      await connection.download(path, name);
      setFailure(undefined);
    } catch (error) {
      setFailure(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button
        size="xs"
        variant={isMain === true ? "filled" : "default"}
        loading={isBusy}
        onClick={() => void download()}
      >
        {children}
      </Button>
      {failure === undefined ? null : <Failure message={failure} />}
    </>
  );
}
