import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Drawer,
  Group,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Outlet, useLocation } from "@tanstack/react-router";
import type { JSX } from "react";
import { useEffect, useState } from "react";
import { PageLink } from "../parts/link.tsx";
import { KeyHelp } from "./key-help.tsx";
import { Rail } from "./rail.tsx";
import { Tray } from "./tray.tsx";
import { useLink, useWorkspace } from "./workspace.tsx";

/** The frame around every page. */
export function App(): JSX.Element {
  const [isOpen, rail] = useDisclosure(false);
  const [isFolded, fold] = useFolded();
  const { viewer, signOut } = useWorkspace();
  const { pathname } = useLocation();
  useEffect(() => rail.close(), [pathname, rail.close]);
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{
        width: isFolded ? NARROW_RAIL : RAIL,
        breakpoint: "sm",
        collapsed: { mobile: true },
      }}
      padding="md"
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={rail.toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <PageLink to="/" fw={600} size="sm" c="inherit" underline="never">
              powercrud
            </PageLink>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <Text size="xs" c="dimmed" visibleFrom="xs">
              {viewer.id ?? ""}
            </Text>
            {signOut === undefined ? null : (
              <Button size="compact-xs" variant="subtle" onClick={signOut}>
                Sign out
              </Button>
            )}
            <KeyHelp />
            <ColorSchemeButton />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <Rail isNarrow={isFolded} onFold={fold} />
      </AppShell.Navbar>
      <Drawer opened={isOpen} onClose={rail.close} size={280} title="Menu" hiddenFrom="sm" padding="xs">
        <Rail isNarrow={false} onFold={undefined} />
      </Drawer>
      <AppShell.Main>
        <OfflineLine />
        <Outlet />
      </AppShell.Main>
      <Tray />
    </AppShell>
  );
}

const RAIL = 220;
const NARROW_RAIL = 56;
const FOLDED = "powercrud.rail";

/** Whether the rail has only icons, kept in this browser, and what changes that. */
function useFolded(): readonly [boolean, () => void] {
  const [isFolded, setFolded] = useState(() => localStorage.getItem(FOLDED) === "narrow");
  return [
    isFolded,
    () => {
      localStorage.setItem(FOLDED, isFolded ? "wide" : "narrow");
      setFolded(!isFolded);
    },
  ];
}

/** Says that what one sees may be old. It covers nothing. */
function OfflineLine(): JSX.Element | null {
  const { isOnline, since } = useLink();
  return isOnline ? null : (
    <Text size="xs" role="status" className="offline">
      Reconnecting… what you see is from {since.toLocaleTimeString(undefined, { hour12: false })}.
    </Text>
  );
}

/** Switches between light and dark. */
function ColorSchemeButton(): JSX.Element {
  const { setColorScheme } = useMantineColorScheme();
  const now = useComputedColorScheme("light");
  const other = now === "light" ? "dark" : "light";
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={`Use ${other} colours`}
      onClick={() => setColorScheme(other)}
    >
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
    </ActionIcon>
  );
}
