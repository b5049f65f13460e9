import {
  CoreAdmin,
  EditBase,
  Form,
  ListBase,
  Resource,
  useInput,
  useListContext,
  useNotificationContext,
  useNotify,
  useRecordContext,
  useUpdateMany,
} from "ra-core";
import { useState } from "react";
import { Link } from "react-router-dom";
import { createDataProvider } from "./data-provider.ts";
import { useLive, useLock } from "./live.ts";
import type { Row } from "./records.ts";
import type { Task } from "./service.ts";

/** Cities, page by page; the chosen ones are archived together. */
function Cities() {
  useLive("cities");
  const {
    data = [],
    total = 0,
    page,
    setPage,
    perPage,
    selectedIds,
    onToggleItem,
    error,
  } = useListContext<Row>();
  const [updateMany] = useUpdateMany<Row, Error>();
  const notify = useNotify();
  const archive = () =>
    void updateMany(
      "cities",
      { ids: selectedIds, data: { status: "ARCHIVED" } },
      { mutationMode: "pessimistic", onError: ({ message }) => notify(message, { type: "error" }) },
    );
  return (
    <>
      <button disabled={page === 1} onClick={() => setPage(page - 1)}>
        Back
      </button>
      <button disabled={page * perPage >= total} onClick={() => setPage(page + 1)}>
        Next
      </button>
      <span>{total} cities</span>
      <button disabled={selectedIds.length === 0} onClick={archive}>
        Archive
      </button>
      {error && <p role="alert">{error.message}</p>}
      <table>
        <tbody>
          {data.map((city) => (
            <tr key={city.id}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Choose ${String(city.name)}`}
                  checked={selectedIds.includes(city.id)}
                  onChange={() => onToggleItem(city.id)}
                />
              </td>
              <th>
                <Link to={`/cities/${city.id}`}>{String(city.name)}</Link>
              </th>
              <td>{String(city.status)}</td>
              <td>{city.activeTask ? `held by ${(city.activeTask as Task).label ?? "a task"}` : "free"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** A city's form, which cannot be used while a task holds the city. */
function CityForm() {
  useLive("cities");
  const city = useRecordContext<Row>();
  const lock = useLock("cities", String(city?.id));
  return (
    <Form>
      {lock && <p>held by {lock.task.label ?? "a task"}</p>}
      <fieldset disabled={lock !== null}>
        <NameInput />
        <button>Save</button>
      </fieldset>
    </Form>
  );
}

function NameInput() {
  const { field, fieldState } = useInput({ source: "name" });
  return (
    <label>
      Name <input {...field} /> {fieldState.error?.message}
    </label>
  );
}

/** What react-admin tells, such as that a save was refused. */
function Notifications() {
  const { notifications } = useNotificationContext();
  return notifications.map(({ message }, at) => (
    <p role="alert" key={at}>
      {message}
    </p>
  ));
}

/** The admin, with the bar of the latest bulk write. */
export function App() {
  const [task, setTask] = useState<Task>();
  const [dataProvider] = useState(() => createDataProvider(setTask));
  return (
    <>
      {task && (
        <p>
          <progress max={100} value={task.progress.percent ?? 0} /> {task.status}: {task.progress.processed}{" "}
          of {task.progress.total}
        </p>
      )}
      <CoreAdmin
        dataProvider={dataProvider}
        disableTelemetry
        layout={({ children }) => (
          <>
            {children}
            <Notifications />
          </>
        )}
      >
        <Resource
          name="cities"
          list={
            <ListBase perPage={10} sort={{ field: "id", order: "ASC" }}>
              <Cities />
            </ListBase>
          }
          edit={
            <EditBase mutationMode="pessimistic" redirect={false}>
              <CityForm />
            </EditBase>
          }
        />
      </CoreAdmin>
    </>
  );
}
