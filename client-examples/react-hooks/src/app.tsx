import { useEffect, useState } from "react";
import { followRecords, request } from "./service.ts";
import { useBulkUpdate } from "./use-bulk-update.ts";
import { useRecordLocks } from "./use-record-lock.ts";

const CITIES = `{
  cities(where: {countryCode: {equals: "FR"}}, orderBy: [{id: ASC}], first: 10) { nodes { id name population } }
}`;

interface City {
  readonly id: string;
  readonly name: string;
  readonly population: number;
}

/** The first cities of France, kept fresh. */
function useCities(): readonly City[] {
  const [cities, setCities] = useState<readonly City[]>([]);
  useEffect(() => {
    const read = () =>
      void request<{ cities: { nodes: City[] } }>(CITIES)
        .then((data) => setCities(data.cities.nodes))
        .catch(console.error);
    read();
    return followRecords("City", read);
  }, []);
  return cities;
}

/** Ten cities, with a bulk update of all French ones and its bar. */
export function App() {
  const cities = useCities();
  const locks = useRecordLocks(
    "City",
    cities.map(({ id }) => id),
  );
  const { task, refusal, isRunning, launch, cancel } = useBulkUpdate("City", "Cities");
  const grow = () =>
    launch({
      selection: { where: { countryCode: { equals: "FR" } } },
      data: { population: { increment: 1 } },
      options: { errorPolicy: "SKIP_FAILED", mode: "ASYNC", label: "Grow" },
    });
  return (
    <>
      <button disabled={isRunning} onClick={() => void grow()}>
        Count one more inhabitant in each French city
      </button>
      <button disabled={!isRunning} onClick={() => void cancel()}>
        Cancel
      </button>
      {task && (
        <p>
          <progress max={100} value={task.progress.percent ?? 0} /> {task.status}: {task.progress.processed}{" "}
          of {task.progress.total}
        </p>
      )}
      {refusal && <p role="alert">{refusal.code === "CONFLICT" ? "Somebody is at it." : refusal.message}</p>}
      <table>
        <tbody>
          {cities.map(({ id, name, population }) => (
            <tr key={id}>
              <th>{name}</th>
              <td>{population}</td>
              <td>{locks.has(id) ? `held by ${locks.get(id)?.label ?? "a task"}` : "free"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
