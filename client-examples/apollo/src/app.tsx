import { ApolloProvider, useMutation, useQuery, useSubscription } from "@apollo/client/react";
import { useEffect, useState } from "react";
import { rename } from "./actions.ts";
import { client } from "./client.ts";
import { CITIES, FOLLOW, NOTE } from "./documents.ts";
import { keepCitiesFresh } from "./fresh.ts";

const FRANCE = { countryCode: { equals: "FR" } };

interface City {
  readonly id: string;
  readonly name: string;
  readonly notes: string | null;
  readonly updatedAt: string;
  readonly activeTask: { readonly id: string } | null;
}
interface CitiesData {
  readonly cities: {
    readonly edges: readonly { readonly node: City }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}
interface Refusal {
  readonly code: string;
  readonly message: string;
}
interface NoteData {
  readonly bulkUpdateCities: Refusal | { readonly task: { readonly id: string } };
}
interface FollowData {
  readonly taskProgress: {
    readonly status: string;
    readonly progress: { readonly processed: number; readonly percent: number | null };
  };
}

/** French cities: a list that grows by pages, renamed one by one, noted on together. */
function Cities() {
  const { data, fetchMore } = useQuery<CitiesData>(CITIES, { variables: { where: FRANCE } });
  const [note, { data: noted }] = useMutation<NoteData>(NOTE);
  const [refusal, setRefusal] = useState<Refusal>();
  useEffect(keepCitiesFresh, []);
  const launched = noted?.bulkUpdateCities;
  const refused = refusal ?? (launched && "code" in launched ? launched : undefined);
  const fail = ({ message }: Error) => setRefusal({ code: "UNREACHABLE", message });
  const launch = () => {
    const variables = { selection: { where: FRANCE }, notes: "Noted", options: { mode: "ASYNC" } };
    note({ variables }).catch(fail);
  };
  const renameTo = async (city: City, name: string) => {
    const { code, message = "" } = (await rename(city, name)) ?? {};
    setRefusal(code === undefined ? undefined : { code, message });
  };
  return (
    <>
      <button onClick={launch}>Note on all</button>
      {launched && "task" in launched && <Bar id={launched.task.id} />}
      {refused && <p role="alert">{refused.code === "CONFLICT" ? "Somebody is at it." : refused.message}</p>}
      <table>
        <tbody>
          {data?.cities.edges.map(({ node: city }) => (
            <tr key={city.id}>
              <th>{city.name}</th>
              <td>{city.notes}</td>
              <td>{city.activeTask ? "held" : "free"}</td>
              <td>
                <button onClick={() => void renameTo(city, `${city.name}!`).catch(fail)}>Rename</button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {data?.cities.pageInfo.hasNextPage && (
        <button onClick={() => void fetchMore({ variables: { after: data.cities.pageInfo.endCursor } })}>
          More
        </button>
      )}
    </>
  );
}

/** A task to its end. */
function Bar({ id }: { readonly id: string }) {
  const { data } = useSubscription<FollowData>(FOLLOW, { variables: { id } });
  const task = data?.taskProgress;
  return (
    <p>
      <progress max={100} value={task?.progress.percent ?? 0} /> {task?.status}: {task?.progress.processed}
    </p>
  );
}

/** The page. */
export const App = () => (
  <ApolloProvider client={client}>
    <Cities />
  </ApolloProvider>
);
