// Generated from the server by `npm run types`.

export type ServerFrame =
  | Hello
  | Ack
  | StateChanged
  | Agent
  | Attached
  | Plan
  | Message
  | Restarted
  | WaitingForModel
  | Token
  | ToolCall
  | ToolOutput
  | ToolResult
  | Approval
  | ApprovalExpiring
  | ApprovalsWaiting
  | Used
  | Context
  | Compacted
  | Restored
  | Checkpoint
  | CheckpointMissed
  | CheckpointRestored
  | Error
  | Done
  | Recovered
  | Pong
  | FilesChanged;
export type ClientFrame = Auth | Chat | ToolApproval | Cancel | Resume | Ping | WatchFiles | UnwatchFiles;

export interface Frames {
  server: ServerFrame;
  client: ClientFrame;
}
/**
 * Welcome.
 */
export interface Hello {
  type: 'hello';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: HelloData;
}
/**
 * The first frame after sign-in.
 */
export interface HelloData {
  version: string;
  limits: Limits;
  ping_interval_s: number;
  user_id: string;
}
/**
 * What a client may send.
 */
export interface Limits {
  frame_bytes: number;
  message_characters: number;
  sessions: number;
}
/**
 * A client's frame was carried out.
 */
export interface Ack {
  type: 'ack';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: AckData;
}
/**
 * What a client's frame led to.
 */
export interface AckData {
  of: string;
  turn_id?: string | null;
  message_id?: string | null;
  approval_id?: string | null;
  status?: string | null;
}
/**
 * The session's state changed.
 */
export interface StateChanged {
  type: 'state';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: StateData;
}
/**
 * What the session does right now, and which agent works.
 */
export interface StateData {
  state: 'error' | 'executing' | 'idle' | 'processing' | 'waiting';
  agent: string;
}
/**
 * An agent was chosen.
 */
export interface Agent {
  type: 'agent';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: AgentData;
}
/**
 * An agent took over, or was given a delegated task.
 */
export interface AgentData {
  from: string | null;
  to: string;
  reason: string;
  task_id?: string;
}
/**
 * Contents of the project are shown to the model.
 */
export interface Attached {
  type: 'attached';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: AttachedData;
}
/**
 * What was attached to a message or a result (`to`), or to the whole turn.
 */
export interface AttachedData {
  attachments: AttachedItem[];
  to?: string;
  task_id?: string;
}
/**
 * What a model is shown of the project, `found` with its lines; or why it is not.
 */
export interface AttachedItem {
  path: string;
  kind: 'file' | 'folder' | 'found' | 'instructions';
  first?: number;
  last?: number;
  characters?: number;
  truncated?: boolean;
  refused?: string;
}
/**
 * The plan changed.
 */
export interface Plan {
  type: 'plan';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: PlanData;
}
/**
 * The plan as it stands now, whole.
 */
export interface PlanData {
  steps: PlanStep[];
  task_id?: string;
}
/**
 * One step of a plan.
 */
export interface PlanStep {
  id: string;
  title: string;
  agent?: string;
  status?: 'done' | 'failed' | 'pending' | 'running';
}
/**
 * A message is complete.
 */
export interface Message {
  type: 'message';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: MessageData;
}
/**
 * A whole message; what was streamed of it before is replaced by this text.
 */
export interface MessageData {
  message_id: string;
  role: 'assistant' | 'user';
  text: string;
  agent?: string | null;
  model?: string | null;
  context?: MessageContext | null;
  reasoning?: string;
  finish_reason?: string | null;
  tried?: string[];
  task_id?: string;
  shortened?: boolean;
}
/**
 * What the user is looking at while asking.
 */
export interface MessageContext {
  open_files?: string[];
  selection?: Selection | null;
}
/**
 * What the user has selected in the editor; lines start at 1.
 */
export interface Selection {
  path: string;
  start_line?: number;
  end_line?: number;
  text?: string;
}
/**
 * An answer is asked for again.
 */
export interface Restarted {
  type: 'restarted';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: RestartedData;
}
/**
 * An answer could not be used: what was shown of it counts no more, and `model` is asked.
 */
export interface RestartedData {
  message_id: string;
  agent: string;
  failed_model: string;
  model: string;
  reason: string;
  task_id?: string;
}
/**
 * An answer takes longer than usual; it is not stored.
 */
export interface WaitingForModel {
  type: 'waiting_for_model';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: WaitingForModelData;
}
/**
 * Why an answer takes longer; `until` is when the model will be asked, absent if it is now.
 */
export interface WaitingForModelData {
  agent: string;
  model: string;
  reason: string;
  until?: string | null;
  task_id?: string;
}
/**
 * A message goes on.
 */
export interface Token {
  type: 'token';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: TokenData;
}
/**
 * A piece of a message; `offset` counts the characters before it.
 */
export interface TokenData {
  message_id: string;
  agent: string;
  text: string;
  offset: number;
  reasoning?: boolean;
  task_id?: string;
}
/**
 * A tool is about to be used.
 */
export interface ToolCall {
  type: 'tool_call';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ToolCallData;
}
/**
 * A tool call that will run, or waits for a human.
 *
 *     `shortened` says that long values were cut to fit a frame: the whole is to be had over REST.
 */
export interface ToolCallData {
  call_id: string;
  tool: string;
  parameters: {
    [k: string]: unknown;
  };
  agent: string;
  risk: string;
  requires_approval: boolean;
  approval_id?: string | null;
  expires_at?: string | null;
  preview?: string;
  layer?: string;
  reason?: string;
  question?: 'retry' | 'run';
  facts?: CallFacts;
  task_id?: string;
  shortened?: boolean;
}
/**
 * What is known of a call before it runs; what does not concern it is absent.
 *
 *     Args:
 *         asked_by: Why a human is asked.
 *         always: The narrowest rule that would let such calls through.
 *         always_refused: Why there can be none.
 */
export interface CallFacts {
  command?: CommandFacts | null;
  file?: FileFacts | null;
  commit?: CommitFacts | null;
  asked_by?: AskingRule | null;
  always?: StandingRule | null;
  always_refused?: string;
}
/**
 * A command that would run.
 *
 *     Args:
 *         folder: Where it runs.
 *         layer: What keeps it in its box.
 *         network: What it may reach.
 *         timeout_s: After how many seconds it is stopped.
 *         read_only: Whether it may not write into the project.
 *         parts: The program calls that the command line was understood as.
 *         doubt: Why that is not certain, if it is not.
 */
export interface CommandFacts {
  folder: string;
  layer: string;
  network: string;
  timeout_s: number;
  read_only?: boolean;
  parts?: string[];
  doubt?: string;
}
/**
 * A file that would be written or deleted.
 *
 *     Args:
 *         change: What happens to it.
 *         size: Its bytes now.
 *         added: Lines that come.
 *         removed: Lines that go.
 *         hunks: Places that change.
 *         tracked: Whether git knows it; absent where there is no repository or nobody asked.
 *         restorable: Whether a checkpoint brings it back; absent before somebody has found out.
 */
export interface FileFacts {
  path: string;
  change: 'create' | 'delete' | 'replace';
  size?: number;
  added?: number;
  removed?: number;
  hunks?: number;
  tracked?: boolean | null;
  restorable?: boolean | null;
}
/**
 * A commit that would be made.
 *
 *     Args:
 *         branch: Where it goes; a commit's number where there is no branch.
 *         author: In whose name.
 *         message: The whole message, as it will be written.
 *         files: The first of the files.
 *         file_count: How many there are.
 */
export interface CommitFacts {
  branch: string;
  author: string;
  message: string;
  files?: CommittedFile[];
  file_count?: number;
}
/**
 * A file of a commit; `status` is git's two letters, lines are absent where git counts none.
 */
export interface CommittedFile {
  path: string;
  status: string;
  added?: number | null;
  removed?: number | null;
}
/**
 * The rule that has a human asked.
 *
 *     Args:
 *         source: Whose it is: the server's file, the user's for a workspace or for a session; or
 *             `built_in`, which no rule overrides; or `tool`, which asks where no rule speaks.
 *         rule_id: The user's rule.
 *         tool: The tools that it is about.
 *         paths: The paths that it is about.
 *         commands: The commands that it is about.
 *         reason: Why it asks.
 */
export interface AskingRule {
  source: 'built_in' | 'server' | 'session' | 'tool' | 'workspace';
  rule_id?: string;
  tool?: string;
  paths?: string[];
  commands?: string[];
  reason?: string;
}
/**
 * What an answer with `always` would allow from then on, and for how long.
 */
export interface StandingRule {
  tool: string;
  paths?: string[];
  commands?: string[];
  lifetime?: 'session';
}
/**
 * A tool says something.
 */
export interface ToolOutput {
  type: 'tool_output';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ToolOutputData;
}
/**
 * A piece of a running tool's output.
 */
export interface ToolOutputData {
  call_id: string;
  text: string;
}
/**
 * A tool has ended.
 */
export interface ToolResult {
  type: 'tool_result';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ToolResultData;
}
/**
 * How a tool call ended.
 */
export interface ToolResultData {
  call_id: string;
  ok: boolean;
  output: string;
  truncated: boolean;
  duration_ms: number;
  tool?: string;
  task_id?: string;
  shortened?: boolean;
}
/**
 * A request for approval was answered.
 */
export interface Approval {
  type: 'approval';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ApprovalData;
}
/**
 * How a request for approval was answered.
 */
export interface ApprovalData {
  approval_id: string;
  status: 'approved' | 'pending' | 'rejected' | 'timeout';
  by: string;
  call_id?: string;
  feedback?: string;
}
/**
 * A request for approval will soon time out; it is not stored.
 */
export interface ApprovalExpiring {
  type: 'approval_expiring';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ApprovalExpiringData;
}
/**
 * Until when the request can still be answered.
 */
export interface ApprovalExpiringData {
  approval_id: string;
  call_id: string;
  expires_at: string;
}
/**
 * What waits for the user changed, in any session; it is not stored.
 *
 *     After `hello` it comes only if something waits.
 */
export interface ApprovalsWaiting {
  type: 'approvals_waiting';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ApprovalsWaitingData;
}
/**
 * All that waits for the user's answer; `approvals` names those that end first.
 */
export interface ApprovalsWaitingData {
  count: number;
  approvals: WaitingApproval[];
}
/**
 * A request that waits for the user's answer, in whichever session.
 */
export interface WaitingApproval {
  approval_id: string;
  session_id: string;
  call_id: string;
  agent: string;
  tool: string;
  risk: string;
  created_at: string;
  expires_at: string;
}
/**
 * A model call was paid for.
 */
export interface Used {
  type: 'usage';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: UsageData;
}
/**
 * What one model call used.
 */
export interface UsageData {
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
  model: string;
  agent?: string;
  estimated?: boolean;
  task_id?: string;
}
/**
 * A model is asked: how long the prompt is; it is not stored.
 */
export interface Context {
  type: 'context';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ContextData;
}
/**
 * How much of what it may take a prompt takes, in estimated tokens, and what takes it.
 */
export interface ContextData {
  used_tokens: number;
  budget_tokens: number;
  parts: ContextParts;
  model: string;
  agent: string;
  task_id?: string;
}
/**
 * Estimated tokens of each part of a prompt, and those kept free for the answer.
 */
export interface ContextParts {
  system?: number;
  tools?: number;
  history?: number;
  attachments?: number;
  answer?: number;
}
/**
 * Older messages are hidden from the model.
 */
export interface Compacted {
  type: 'compacted';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: CompactedData;
}
/**
 * How much is hidden from the model now; without a `model` nobody has summarised it.
 */
export interface CompactedData {
  hidden_messages: number;
  aged_results: number;
  tokens_before: number;
  tokens_after: number;
  agent: string;
  model?: string;
  summary?: string;
  task_id?: string;
  shortened?: boolean;
}
/**
 * Hidden messages are shown to the model again.
 */
export interface Restored {
  type: 'restored';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: RestoredData;
}
/**
 * Which compaction was undone, and with it all later ones.
 */
export interface RestoredData {
  compaction_seq: number;
  by: string;
}
/**
 * A place to which the user may go back.
 */
export interface Checkpoint {
  type: 'checkpoint';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: CheckpointData;
}
/**
 * A checkpoint was taken: before a turn's first change, or after a call's (`call_id`).
 *
 *     `files` names the first of the `changed_files`; `left_out` what is not kept.
 */
export interface CheckpointData {
  checkpoint_id: string;
  changed_files: number;
  files?: string[];
  left_out?: string[];
  call_id?: string;
  tool?: string;
  agent?: string;
  task_id?: string;
}
/**
 * This turn cannot be undone.
 */
export interface CheckpointMissed {
  type: 'checkpoint_missed';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: CheckpointMissedData;
}
/**
 * Why what this turn changes cannot be undone, or not all of it.
 */
export interface CheckpointMissedData {
  reason: string;
  call_id?: string;
  task_id?: string;
}
/**
 * The session went back to a checkpoint.
 */
export interface CheckpointRestored {
  type: 'checkpoint_restored';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: CheckpointRestoredData;
}
/**
 * Where the session went back to; `restoration_id` is the checkpoint that undoes this.
 *
 *     `files` names the first of the `restored_files`, `conflicts` the first of those left alone.
 *     With `conversation`, models are not shown any more what stands behind `through_seq`.
 */
export interface CheckpointRestoredData {
  checkpoint_id: string;
  restoration_id: string;
  through_seq: number;
  conversation: boolean;
  restored_files: number;
  conflicting_files: number;
  by: string;
  files?: string[];
  conflicts?: LeftAlone[];
}
/**
 * A file that did not go back, and why.
 */
export interface LeftAlone {
  path: string;
  reason: string;
}
/**
 * Something went wrong: with a client's frame (`id`), or with the turn (`seq`).
 */
export interface Error {
  type: 'error';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: ErrorData;
}
/**
 * What went wrong, for the user to read.
 */
export interface ErrorData {
  code: string;
  message: string;
  retryable: boolean;
  field?: string | null;
  retry_after_s?: number | null;
  task_id?: string;
}
/**
 * The turn is over.
 */
export interface Done {
  type: 'done';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: DoneData;
}
/**
 * The turn is over.
 */
export interface DoneData {
  message_id: string;
  stop_reason: 'budget' | 'cancelled' | 'end' | 'error' | 'max_steps';
  duration_ms: number;
  usage: Usage;
}
/**
 * Tokens and cost of one call or of several; cost in US dollars.
 *
 *     Args:
 *         input_tokens: All that the model read, those of the next two included.
 *         cached_tokens: Read from the provider's prompt cache.
 *         cache_write_tokens: Written to the provider's prompt cache.
 *         estimated: Whether a part is our guess, since the provider sent no count.
 */
export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  cached_tokens?: number;
  cache_write_tokens?: number;
  cost_usd?: number;
  estimated?: boolean;
}
/**
 * The answer to `resume`; its `epoch` is the one to name next time.
 */
export interface Recovered {
  type: 'recovered';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: RecoveredData;
}
/**
 * Frames after `from_seq` follow; with `ok` false the client drops what it has first.
 *
 *     Args:
 *         ok: Whether what the client has still holds.
 *         from_seq: The last frame that is not sent again.
 *         last_seq: How far the log reaches: a client that has come there has caught up.
 */
export interface RecoveredData {
  ok: boolean;
  from_seq: number;
  last_seq: number;
}
/**
 * The answer to `ping`.
 */
export interface Pong {
  type: 'pong';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: PongData;
}
/**
 * Nothing.
 */
export interface PongData {}
/**
 * Files of a watched workspace changed, or the watch began; it is not stored.
 */
export interface FilesChanged {
  type: 'files_changed';
  session_id?: string | null;
  id?: string | number | null;
  seq?: number | null;
  epoch?: number | null;
  turn_id?: string | null;
  at?: string | null;
  data: FilesChangedData;
}
/**
 * What changed in a workspace's files; `folders` are those in which names came or went.
 *
 *     With `more`, everything may have changed. `git`: the repository's state changed. Without
 *     `watching`, changes are not told, for this `reason`: look again from time to time.
 */
export interface FilesChangedData {
  workspace_id: string;
  paths: string[];
  folders: string[];
  more: boolean;
  git: boolean;
  watching: boolean;
  reason: string;
}
/**
 * Sign in on an open socket, or renew a sign-in before its token ends.
 */
export interface Auth {
  type: 'auth';
  id?: string | number | null;
  data: AuthData;
  session_id?: string | null;
}
/**
 * An access token.
 */
export interface AuthData {
  token: string;
}
/**
 * Ask the agents for something.
 */
export interface Chat {
  type: 'chat';
  id?: string | number | null;
  session_id: string;
  data: ChatData;
}
/**
 * A message to the agents.
 */
export interface ChatData {
  message: string;
  agent?: string | null;
  model?: string | null;
  context?: ChatContext | null;
}
/**
 * What the user is looking at while asking.
 */
export interface ChatContext {
  /**
   * @maxItems 200
   */
  open_files?: string[];
  selection?: SelectedText | null;
}
/**
 * What is selected in the editor; lines start at 1.
 */
export interface SelectedText {
  path: string;
  start_line?: number;
  end_line?: number;
  text?: string;
}
/**
 * Approve or reject a tool call.
 */
export interface ToolApproval {
  type: 'tool_approval';
  id?: string | number | null;
  data: ToolApprovalData;
  session_id?: string | null;
}
/**
 * An answer to a request for approval.
 *
 *     With `always`, the same call may run without asking for the rest of the session.
 */
export interface ToolApprovalData {
  approval_id: string;
  approved: boolean;
  always?: boolean;
  parameters?: {
    [k: string]: unknown;
  } | null;
  feedback?: string;
}
/**
 * Stop the session's running turn.
 */
export interface Cancel {
  type: 'cancel';
  id?: string | number | null;
  session_id: string;
  data?: CancelData;
}
/**
 * Nothing more than the session.
 */
export interface CancelData {}
/**
 * Watch a session, and get what was missed.
 */
export interface Resume {
  type: 'resume';
  id?: string | number | null;
  session_id: string;
  data: ResumeData;
}
/**
 * The last durable frame the client has; 0 replays all.
 */
export interface ResumeData {
  last_seq: number;
  epoch?: number | null;
}
/**
 * Ask for a sign of life.
 */
export interface Ping {
  type: 'ping';
  id?: string | number | null;
  session_id?: string | null;
  data?: PingData;
}
/**
 * Nothing.
 */
export interface PingData {}
/**
 * Be told of changes of a workspace's files.
 */
export interface WatchFiles {
  type: 'watch';
  id?: string | number | null;
  data: WatchData;
  session_id?: string | null;
}
/**
 * A workspace whose files somebody looks at.
 */
export interface WatchData {
  workspace_id: string;
}
/**
 * Be told of them no more.
 */
export interface UnwatchFiles {
  type: 'unwatch';
  id?: string | number | null;
  data: WatchData;
  session_id?: string | null;
}
