import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { withDeadline } from "../../support/deadline.ts";

/** A mail that the server took. */
export interface ReceivedMail {
  readonly to: readonly string[];
  /** As it came: headers and parts. */
  readonly source: string;
}

/** A real SMTP server in this process. */
export interface MailServer {
  /** With user and password. */
  readonly url: string;
  readonly received: readonly ReceivedMail[];
  /** The replies to recipients, by the part before the @; 250 to all others. */
  readonly replies: Map<string, number | "silence">;
  /** The mail to the address, once it is there. */
  arrived(address: string): Promise<ReceivedMail>;
  stop(): Promise<void>;
}

/** Takes mails from one user. */
export async function startMailServer(): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const replies: MailServer["replies"] = new Map();
  const waiting = new Set<() => void>();
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) =>
      username === "powercrud" && password === "p@ss"
        ? done(null, { user: username })
        : done(new Error("wrong password")),
    onRcptTo({ address }, _session, done) {
      const reply = replies.get(address.split("@")[0] ?? "");
      if (reply === "silence") {
        return;
      }
      done(reply === undefined ? null : Object.assign(new Error(`no ${address}`), { responseCode: reply }));
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        received.push({ to, source: Buffer.concat(parts).toString() });
        waiting.forEach((look) => look());
        done();
      });
    },
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `smtp://powercrud:p%40ss@127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    received,
    replies,
    arrived(address) {
      const arrival = new Promise<ReceivedMail>((resolve) => {
        const look = (): void => {
          const mail = received.find(({ to }) => to.includes(address));
          if (mail !== undefined) {
            waiting.delete(look);
            resolve(mail);
          }
        };
        waiting.add(look);
        look();
      });
      return withDeadline(arrival, 20_000, `a mail to ${address}`);
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
