// Follows the lifecycle of every task over Server-Sent Events with nothing but fetch. Prints each event with its
// cursor; start it again with the last cursor to get all events since then.
// Usage: node client-examples/watch-events.mjs [URL] [CURSOR]
const base = process.argv[2] ?? "http://127.0.0.1:4000";
const after = process.argv[3] ?? null;

const EVENTS = /* GraphQL */ `
  subscription ($after: String) {
    taskEvents(after: $after) {
      cursor
      sequence
      type
      at
      message
      task {
        id
        kind
        model
        status
      }
      progress {
        processed
        total
      }
    }
  }
`;

const response = await fetch(`${base}/graphql`, {
  method: "POST",
  headers: { "content-type": "application/json", accept: "text/event-stream" },
  body: JSON.stringify({ query: EVENTS, variables: { after } }),
});
console.log(`following (${response.status})`);

let buffer = "";
for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
  buffer += piece;
  const messages = buffer.split("\n\n");
  buffer = messages.pop() ?? "";
  for (const message of messages) {
    const json = message
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5))
      .join("\n");
    if (json.trim() === "") continue; // a keep-alive
    const { data, errors } = JSON.parse(json);
    if (errors) throw new Error(JSON.stringify(errors));
    if (!data) continue;
    const { cursor, sequence, type, task, progress } = data.taskEvents;
    console.log(
      `${cursor} #${sequence} ${type} ${task.kind} ${task.model ?? ""} ${task.id} ${progress.processed}/${progress.total}`,
    );
  }
}
