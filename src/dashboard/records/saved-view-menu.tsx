import { Button, Checkbox, Group, Menu, Modal, Stack, Text, TextInput } from "@mantine/core";
import type { FormEvent, JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { SavedViewPartsFragment } from "../generated/graphql.ts";
import { DeleteSavedViewDocument, SavedViewsDocument, SaveViewDocument } from "../generated/graphql.ts";
import { errorText } from "../parts/error-text.ts";
import { Failure } from "../parts/notice.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import type { ListView } from "./list-search.ts";
import { readListView } from "./list-search.ts";

/** Ways to look at the list that were saved: choose one, keep the present one, share and delete. */
export function SavedViewMenu(props: {
  model: string;
  view: ListView;
  /** Shows the list as the view has it. */
  onChoose: (view: ListView) => void;
}): JSX.Element {
  const { model, onChoose } = props;
  const { connection, viewer } = useWorkspace();
  const isOwn = ({ createdBy }: SavedViewPartsFragment): boolean => createdBy === viewer.id;
  const answer = useAnswer(
    model,
    async () => (await connection.request(SavedViewsDocument, { model })).savedViews,
  );
  const [editing, setEditing] = useState<SavedViewPartsFragment | "new">();
  const now = readListView({ ...props.view });
  const views = answer.data ?? [];
  const shown = views.find(({ state }) => sameText(viewOf(state)) === sameText(now));
  return (
    <>
      <Menu position="bottom-end" width={280} onOpen={answer.reload}>
        <Menu.Target>
          <Button size="xs" variant={shown === undefined ? "default" : "light"}>
            {shown === undefined ? "Views" : shown.name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah={420} style={{ overflow: "auto" }} className="views">
          <ViewGroup title="Yours" views={views.filter(isOwn)} shown={shown} onChoose={onChoose} />
          <ViewGroup
            title="Shared by others"
            views={views.filter((view) => !isOwn(view))}
            shown={shown}
            onChoose={onChoose}
          />
          {views.length === 0 ? (
            <Text size="xs" c="dimmed" px="sm" py={6}>
              {answer.error ?? "None yet. Save the filter, order and columns that you use often."}
            </Text>
          ) : null}
          <Menu.Divider />
          <Menu.Item onClick={() => onChoose({})}>Show all as it is at first</Menu.Item>
          <Menu.Item onClick={() => setEditing("new")}>Save this view…</Menu.Item>
          {shown?.canChange === true ? (
            <Menu.Item onClick={() => setEditing(shown)}>Rename, share or delete “{shown.name}”…</Menu.Item>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      <Modal
        opened={editing !== undefined}
        onClose={() => setEditing(undefined)}
        title={editing === "new" ? "Save this view" : "Change the view"}
      >
        {editing === undefined ? null : (
          <ViewForm
            model={model}
            state={now}
            view={editing === "new" ? undefined : editing}
            own={views.filter(isOwn)}
            onDone={() => {
              setEditing(undefined);
              answer.reload();
            }}
          />
        )}
      </Modal>
    </>
  );
}

function ViewGroup(props: {
  title: string;
  views: readonly SavedViewPartsFragment[];
  shown: SavedViewPartsFragment | undefined;
  onChoose: (view: ListView) => void;
}): JSX.Element | null {
  const { title, views, shown, onChoose } = props;
  return views.length === 0 ? null : (
    <>
      <Menu.Label>{title}</Menu.Label>
      {views.map((view) => (
        <Menu.Item
          key={view.id}
          data-view={view.name}
          aria-current={view === shown}
          rightSection={
            view.isShared ? (
              <Text size="xs" c="dimmed">
                shared
              </Text>
            ) : null
          }
          onClick={() => onChoose(viewOf(view.state))}
        >
          {view.name}
        </Menu.Item>
      ))}
    </>
  );
}

function viewOf(state: unknown): ListView {
  return readListView(state as Readonly<Record<string, unknown>>);
}

/** One text for equal values: the service does not keep the order of an object's members. */
function sameText(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  );
}

/** Asks for a name, and whether all see it. A name that one has already stands for that view. */
function ViewForm(props: {
  model: string;
  state: ListView;
  /** The view to change; undefined for a new one. */
  view: SavedViewPartsFragment | undefined;
  /** The caller's own. */
  own: readonly SavedViewPartsFragment[];
  onDone: () => void;
}): JSX.Element {
  const { model, state, view, own, onDone } = props;
  const { connection } = useWorkspace();
  const [name, setName] = useState(view?.name ?? "");
  const [isShared, setShared] = useState(view?.isShared ?? false);
  const [failure, setFailure] = useState<string>();
  const same = view ?? own.find((one) => one.name === name.trim());
  const attempt = async (deed: () => Promise<string | undefined>): Promise<void> => {
    const message = await deed().catch(errorText);
    setFailure(message);
    if (message === undefined) {
      onDone();
    }
  };
  const save = async (): Promise<string | undefined> => {
    const variables = { id: same?.id ?? null, model, name, state, isShared };
    const { saveView } = await connection.request(SaveViewDocument, variables);
    return "message" in saveView ? saveView.message : undefined;
  };
  const remove = async (id: string): Promise<string | undefined> => {
    const { deleteSavedView } = await connection.request(DeleteSavedViewDocument, { id });
    return "message" in deleteSavedView ? deleteSavedView.message : undefined;
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void attempt(save);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Name"
          required
          maxLength={100}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Checkbox
          label="Share it with all who may see these records"
          checked={isShared}
          onChange={(event) => setShared(event.currentTarget.checked)}
        />
        {failure === undefined ? null : <Failure message={failure} />}
        <Group justify="space-between">
          <Button type="submit" size="xs" disabled={name.trim() === ""}>
            {view === undefined && same !== undefined ? "Replace the view" : "Save the view"}
          </Button>
          {view === undefined ? null : (
            <Button size="xs" variant="light" color="red" onClick={() => void attempt(() => remove(view.id))}>
              Delete the view
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
