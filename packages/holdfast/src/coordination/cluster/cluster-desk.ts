import { InvalidArgumentError } from "../../errors/base.ts";
import type { Clock, Random } from "../../runtime/index.ts";
import type { ClusterChange, ClusterChangeResponse, ClusterRequest } from "./cluster-change.ts";
import type { ClusterState } from "./cluster-state.ts";
import type {
  ChangeOptions,
  ClusterAdministration,
  MemberAddRequest,
  MemberAddResponse,
  MembersResponse,
} from "./cluster.ts";
import type { CommandOperation } from "../key-value/command.ts";
import type { Answer, MemberInfo, RequestOptions, ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { parsePeerUrl, peerUrlIn, type PeerScheme } from "./peer-url.ts";

export interface ClusterDeskOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly cluster: ClusterState;
  readonly members: () => readonly MemberInfo[];
  readonly header: () => ResponseHeader;
  readonly peerScheme: PeerScheme;
  readonly requireRoot: (options: RequestOptions) => Promise<void>;
  readonly linearize: (options: RequestOptions) => Promise<void>;
  readonly write: (operation: CommandOperation, options: RequestOptions) => Promise<Answer<unknown>>;
}

const defaultTimeoutMs = 5_000;
const maxUrls = 16;
const maxNameLength = 255;

type Answers = NonNullable<ClusterChangeResponse["answers"]>;

interface Waiting extends PromiseWithResolvers<void> {
  readonly request: ClusterRequest;
}

/**
 * A member's side of changes of the cluster: puts a request into the log, where the leader finds it, and waits for the
 * leader's answer, which comes the same way.
 */
export class ClusterDesk implements ClusterAdministration {
  readonly #options: ClusterDeskOptions;
  readonly #waiting = new Map<number, Waiting>();

  constructor(options: ClusterDeskOptions) {
    this.#options = options;
  }

  async memberList(
    options: RequestOptions & { readonly linearizable?: boolean } = {},
  ): Promise<Answer<MembersResponse>> {
    if (options.linearizable === true) await this.#options.linearize(options);
    return this.#listed();
  }

  async memberAdd(request: MemberAddRequest, options: ChangeOptions = {}): Promise<Answer<MemberAddResponse>> {
    const { name = "", isLearner = false, isWitness = false } = request;
    if (isWitness && isLearner) {
      throw new InvalidArgumentError("memberAdd.isWitness", "must not be given with isLearner", isWitness);
    }
    if (name.length > maxNameLength) {
      throw new InvalidArgumentError("memberAdd.name", `must be at most ${maxNameLength} long`, name.length);
    }
    const peerUrls = checkUrls(request.peerUrls, this.#options.peerScheme);
    await this.#begin(options);
    const id = this.#newId();
    const kind = isWitness ? { isLearner, isWitness } : { isLearner };
    await this.#ask({ type: "memberAdd", id, name, peerUrls, ...kind, ...meantFor(options) }, options);
    const listed = this.#listed();
    const member = listed.members.find((info) => info.id === id);
    return {
      ...listed,
      // It may have been removed at once.
      member: member ?? { id, name, peerUrls, clientUrls: [], httpUrls: [], ...kind },
    };
  }

  async memberRemove(id: bigint, options: ChangeOptions = {}): Promise<Answer<MembersResponse>> {
    await this.#begin(options);
    this.#find(id);
    return this.#ask({ type: "memberRemove", id, ...meantFor(options) }, options);
  }

  async memberUpdate(
    id: bigint,
    peerUrls: readonly string[],
    options: RequestOptions = {},
  ): Promise<Answer<MembersResponse>> {
    await this.#begin(options);
    this.#find(id);
    return this.#ask({ type: "memberUpdate", id, peerUrls: checkUrls(peerUrls, this.#options.peerScheme) }, options);
  }

  async memberPromote(id: bigint, options: ChangeOptions = {}): Promise<Answer<MembersResponse>> {
    await this.#begin(options);
    if (this.#find(id).isLearner !== true) throw new CoordinationError("MEMBER_NOT_LEARNER");
    return this.#ask({ type: "memberPromote", id, ...meantFor(options) }, options);
  }

  async moveLeader(id: bigint, options: RequestOptions = {}): Promise<Answer<object>> {
    await this.#begin(options);
    if (!this.#options.members().some((info) => info.id === id)) throw new CoordinationError("BAD_LEADER_TRANSFEREE");
    const { header } = await this.#ask({ type: "moveLeader", id }, options);
    return { header };
  }

  /** The leader has answered. */
  onAnswer({ number, refused }: Answers): void {
    const waiting = this.#waiting.get(number);
    if (refused === undefined) waiting?.resolve();
    else waiting?.reject(new CoordinationError(refused));
  }

  /** This member was removed, and the answer may not reach it any more. */
  onRemoved(self: bigint): void {
    for (const { request, resolve } of this.#waiting.values()) {
      if (request.type === "memberRemove" && request.id === self) resolve();
    }
  }

  /** Nobody answers any more, though the leader may still do what was asked. */
  close(error: CoordinationError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }

  async #begin(options: RequestOptions): Promise<void> {
    await this.#options.linearize(options);
    await this.#options.requireRoot(options);
  }

  async #ask(request: ClusterRequest, options: RequestOptions): Promise<Answer<MembersResponse>> {
    const { clock, random, write } = this.#options;
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    const number = random.integer(1, Number.MAX_SAFE_INTEGER);
    const waiting: Waiting = { ...Promise.withResolvers<void>(), request };
    waiting.promise.catch(() => undefined);
    this.#waiting.set(number, waiting);
    const timer = clock.setTimer(timeoutMs, () => waiting.reject(new CoordinationError("TIMED_OUT")));
    const onAbort = (): void => waiting.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const change: ClusterChange = { type: "ask", number, request };
      // Root has been let in already, and a request of another name would not be recognised by its number.
      const written = write(
        { type: "cluster", request: change },
        { timeoutMs, ...(signal === undefined ? {} : { signal }) },
      );
      // What was written is no answer yet; what was answered was written.
      await Promise.race([waiting.promise, written.then(() => waiting.promise)]);
    } finally {
      this.#waiting.delete(number);
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    }
    return this.#listed();
  }

  #listed(): Answer<MembersResponse> {
    return { members: this.#options.members(), header: this.#options.header() };
  }

  #find(id: bigint): MemberInfo {
    const found = this.#options.members().find((info) => info.id === id);
    if (found === undefined) throw new CoordinationError("MEMBER_NOT_FOUND");
    return found;
  }

  #newId(): bigint {
    const { random, cluster, members } = this.#options;
    for (;;) {
      const id = BigInt(random.integer(1, Number.MAX_SAFE_INTEGER));
      if (!cluster.removed.has(id) && !members().some((info) => info.id === id)) return id;
    }
  }
}

function meantFor({ ifMembers }: ChangeOptions): Pick<ChangeOptions, "ifMembers"> {
  return ifMembers === undefined ? {} : { ifMembers };
}

/**
 * Without duplicates, in ascending order, as etcd keeps them. One that asks for less than what members speak is corrected;
 * one that asks for TLS where they do not speak it would promise too much.
 *
 * @throws CoordinationError BAD_MEMBER_URLS
 */
function checkUrls(urls: readonly string[], scheme: PeerScheme): readonly string[] {
  const isBad = (url: string): boolean =>
    parsePeerUrl(url) === undefined || (scheme === "http" && url.startsWith("https:"));
  if (urls.length === 0 || urls.length > maxUrls || urls.some(isBad)) throw new CoordinationError("BAD_MEMBER_URLS");
  return [...new Set(urls.map((url) => peerUrlIn(scheme, url)))].sort();
}
