import { Refine, useList, useUpdate, useUpdateMany } from "@refinedev/core";
import { useState } from "react";
import { createDataProvider } from "./data-provider.ts";
import { liveProvider } from "./live-provider.ts";
import type { Row } from "./records.ts";
import type { Task } from "./service.ts";

const PAGE_SIZE = 10;

/** Cities, page by page: renamed one by one, archived together. */
function Cities() {
  const [page, setPage] = useState(1);
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { result } = useList<Row>({
    resource: "cities",
    pagination: { currentPage: page, pageSize: PAGE_SIZE },
    filters: [{ field: "name", operator: "contains", value: name }],
    sorters: [{ field: "id", order: "asc" }],
  });
  const update = useUpdate({ resource: "cities" });
  const updateMany = useUpdateMany({ resource: "cities" });
  const error = update.mutation.error ?? updateMany.mutation.error;
  const toggle = (id: string) =>
    setChosen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id]));
  return (
    <>
      <input
        placeholder="Name"
        value={name}
        onChange={({ target }) => {
          setName(target.value);
          setPage(1);
        }}
      />
      <button disabled={page === 1} onClick={() => setPage(page - 1)}>
        Back
      </button>
      <button disabled={page * PAGE_SIZE >= (result.total ?? 0)} onClick={() => setPage(page + 1)}>
        Next
      </button>
      <span>{result.total ?? 0} cities</span>
      <button
        disabled={chosen.length === 0}
        onClick={() => updateMany.mutate({ ids: [...chosen], values: { status: "ARCHIVED" } })}
      >
        Archive
      </button>
      {error && <p role="alert">{error.code === "CONFLICT" ? "Somebody is at it." : error.message}</p>}
      <table>
        <tbody>
          {result.data.map((city) => (
            <City
              key={city.id}
              city={city}
              isChosen={chosen.includes(city.id)}
              onChoose={() => toggle(city.id)}
              onRename={(renamed) =>
                update.mutate({ id: city.id, values: { name: renamed, updatedAt: city.updatedAt } })
              }
            />
          ))}
        </tbody>
      </table>
    </>
  );
}

interface CityProps {
  readonly city: Row;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly onRename: (name: string) => void;
}

/** A city, which cannot be edited while a task holds it. */
function City({ city, isChosen, onChoose, onRename }: CityProps) {
  const holder = city.activeTask as Task | null;
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={`Choose ${String(city.name)}`}
          checked={isChosen}
          onChange={onChoose}
        />
      </td>
      <th>{String(city.name)}</th>
      <td>{String(city.status)}</td>
      <td>{holder ? `held by ${holder.label ?? "a task"}` : "free"}</td>
      <td>
        <button disabled={holder !== null} onClick={() => onRename(`${String(city.name)}!`)}>
          Rename
        </button>
      </td>
    </tr>
  );
}

/** The page, with the bar of the latest bulk write. */
export function App() {
  const [task, setTask] = useState<Task>();
  const [dataProvider] = useState(() => createDataProvider(setTask));
  return (
    <Refine
      dataProvider={dataProvider}
      liveProvider={liveProvider}
      resources={[{ name: "cities" }]}
      options={{ liveMode: "auto", disableTelemetry: true }}
    >
      {task && (
        <p>
          <progress max={100} value={task.progress.percent ?? 0} /> {task.status}: {task.progress.processed}{" "}
          of {task.progress.total}
        </p>
      )}
      <Cities />
    </Refine>
  );
}
