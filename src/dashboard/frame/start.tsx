import {
  Button,
  createTheme,
  Drawer,
  MantineProvider,
  Menu,
  Modal,
  PasswordInput,
  Select,
  Paper,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import type { CSSVariablesResolver } from "@mantine/core";
import { RouterProvider } from "@tanstack/react-router";
import type { FormEvent, JSX } from "react";
import { useEffect, useMemo, useState } from "react";
import type { Connection } from "../api/connection.ts";
import { connect } from "../api/connection.ts";
import type { OverviewQuery } from "../generated/graphql.ts";
import { OverviewDocument } from "../generated/graphql.ts";
import { readModels } from "../models/model.ts";
import { createSchemaReader } from "../models/shape.ts";
import { Failure } from "../parts/notice.tsx";
import { createTaskFeed } from "../tasks/task-feed.ts";
import { createRouter } from "./routes.tsx";
import type { Workspace } from "./workspace.tsx";
import { WorkspaceProvider } from "./workspace.tsx";
import { errorText } from "../parts/error-text.ts";

/** The key is forgotten with the tab: whoever finds the machine later must sign in anew. */
const KEY = "powercrud.key";

function selectText({ currentTarget }: { currentTarget: HTMLInputElement }): void {
  currentTarget.select();
}

const theme = createTheme({
  // Dark enough on white, and light enough on black, for small text.
  primaryShade: 8,
  fontSizes: { xs: "12px", sm: "13px", md: "14px" },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    // What is typed takes the place of what was chosen, and Enter takes the first that matches.
    Select: Select.extend({
      defaultProps: { onFocus: selectText, onClick: selectText, selectFirstOptionOnChange: true },
    }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    // The first entry has the focus: an element without a role has no place in a menu.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
  },
});

/** The page's content security policy allows only styles with this word. */
function readNonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
}

/** The library's own greys are too faint for small text: these have a contrast of at least 4.5. */
function resolveColors(): ReturnType<CSSVariablesResolver> {
  return {
    variables: { "--input-description-size": "12px" },
    light: {
      "--mantine-color-dimmed": "#5c646c",
      "--mantine-color-anchor": "#1864ab",
      // Of plain buttons, which have a tint while one points at them.
      "--mantine-color-blue-light-color": "#155a9c",
    },
    dark: { "--mantine-color-dimmed": "#b0b4b9", "--mantine-color-anchor": "#74c0fc" },
  };
}

/** Signs in where the service asks for it, reads the models, then shows the pages. */
export function Start(): JSX.Element {
  const [key, setKey] = useState(() => sessionStorage.getItem(KEY) ?? undefined);
  const [turn, setTurn] = useState(0);
  const opened = useOpened(key, turn);
  const keep = (next: string | undefined): void => {
    if (next === undefined) {
      sessionStorage.removeItem(KEY);
    } else {
      sessionStorage.setItem(KEY, next);
    }
    setKey(next);
    setTurn((before) => before + 1);
  };
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      getStyleNonce={readNonce}
      cssVariablesResolver={resolveColors}
    >
      {opened.workspace === undefined ? (
        <Door
          problem={opened.problem}
          isKeyGiven={key !== undefined}
          onKey={keep}
          onRetry={() => setTurn((before) => before + 1)}
        />
      ) : (
        <Pages workspace={opened.workspace} signOut={key === undefined ? undefined : () => keep(undefined)} />
      )}
    </MantineProvider>
  );
}

function Pages(props: {
  workspace: Omit<Workspace, "signOut">;
  signOut: (() => void) | undefined;
}): JSX.Element {
  const { workspace, signOut } = props;
  const router = useMemo(() => createRouter(workspace.models), [workspace]);
  return (
    <WorkspaceProvider workspace={{ ...workspace, signOut }}>
      <RouterProvider router={router} />
    </WorkspaceProvider>
  );
}

const EXPIRED =
  "Your sign-in is over: the service no longer takes this key or token. Sign in again to go on where you are.";

const REFUSED = "The service does not take this key or token. Look whether all of it was pasted.";

interface Opened {
  readonly workspace?: Omit<Workspace, "signOut">;
  readonly problem?: string;
}

function useOpened(key: string | undefined, turn: number): Opened {
  const [opened, setOpened] = useState<Opened>({});
  useEffect(() => {
    let isWanted = true;
    let workspace: Omit<Workspace, "signOut"> | undefined;
    let isRefused = false;
    const close = (): void => {
      workspace?.feed.close();
      connection.close();
    };
    const expire = (): void => {
      isRefused = true;
      if (isWanted && workspace !== undefined) {
        setOpened({ problem: EXPIRED });
        close();
      }
    };
    const connection = connect(new URL("/graphql", location.href), key, expire);
    setOpened({});
    const openUp = async (): Promise<void> => {
      try {
        const overview = await connection.request(OverviewDocument, {});
        if (isWanted) {
          workspace = workspaceOf(connection, overview);
          setOpened({ workspace });
        }
      } catch (error) {
        if (isWanted) {
          setOpened({ problem: isRefused ? REFUSED : errorText(error) });
        }
      }
    };
    void openUp();
    return () => {
      isWanted = false;
      close();
    };
  }, [key, turn]);
  return opened;
}

function workspaceOf(connection: Connection, overview: OverviewQuery): Omit<Workspace, "signOut"> {
  return {
    connection,
    feed: createTaskFeed(connection),
    schema: createSchemaReader(connection),
    models: readModels(overview),
    viewer: overview.viewer,
  };
}

/** Asks for a key where one is needed, and says why nothing is shown. */
function Door(props: {
  problem: string | undefined;
  isKeyGiven: boolean;
  onKey: (key: string) => void;
  onRetry: () => void;
}): JSX.Element {
  const { problem, isKeyGiven, onKey, onRetry } = props;
  const [key, setKey] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onKey(key.trim());
  };
  if (problem === undefined) {
    return (
      <Text p="md" c="dimmed" role="status">
        Opening…
      </Text>
    );
  }
  return (
    <Paper maw={420} mx="auto" mt={96} p="lg" withBorder component="main" className="door">
      <form onSubmit={submit}>
        <Stack>
          <Title order={1} size="h4">
            Sign in
          </Title>
          <Text size="sm" c="dimmed">
            This service asks who you are. Paste an API key or a token; it is kept until you close this tab.
          </Text>
          <PasswordInput
            label="Key or token"
            autoFocus
            required
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
          />
          <Button type="submit">Sign in</Button>
          {isKeyGiven ? <Failure message={problem} onRetry={onRetry} /> : null}
        </Stack>
      </form>
    </Paper>
  );
}
