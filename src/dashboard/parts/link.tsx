import type { AnchorProps, NavLinkProps } from "@mantine/core";
import { Anchor, NavLink } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { ComponentPropsWithRef, JSX } from "react";

/** A link to a page of the dashboard. */
export const PageLink = createLink(
  (props: AnchorProps & Omit<ComponentPropsWithRef<"a">, keyof AnchorProps>): JSX.Element => (
    <Anchor {...props} />
  ),
);

/** A link to a page, as an entry of the rail. */
export const RailLink = createLink(
  (props: NavLinkProps & Omit<ComponentPropsWithRef<"a">, keyof NavLinkProps>): JSX.Element => (
    <NavLink {...props} />
  ),
);
