// What a program in Node does with our /v1; prints what came of it as JSON.
import OpenAI from "openai";

const [baseURL, apiKey, chat, vectors] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey });
const look = { name: "look", parameters: { type: "object", properties: { at: { type: "string" } } } };
const found = {};

found.models = [];
for await (const model of client.models.list()) found.models.push(model.id);

// Chat completions, with a tool called on the way.
const messages = [{ role: "user", content: "Is it there?" }];
const tools = [{ type: "function", function: look }];
const turn = client.chat.completions.stream({ model: chat, messages, tools });
const first = (await turn.finalChatCompletion()).choices[0].message;
const [call] = first.tool_calls;
found.call = [call.function.name, JSON.parse(call.function.arguments)];
messages.push(first, { role: "tool", tool_call_id: call.id, content: "yes" });
found.text = "";
const options = { stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create({ model: chat, messages, tools, ...options })) {
  found.text += chunk.choices[0]?.delta?.content ?? "";
  found.tokens = chunk.usage?.total_tokens ?? found.tokens;
}

// The same as responses.
const input = [{ role: "user", content: "Is it there?" }];
const offered = [{ type: "function", strict: false, ...look }];
const answer = client.responses.stream({ model: chat, input, tools: offered });
found.events = [];
for await (const event of answer) if (found.events.at(-1) !== event.type) found.events.push(event.type);
const { output } = await answer.finalResponse();
input.push(...output, {
  type: "function_call_output",
  call_id: output.at(-1).call_id,
  output: "yes",
});
const second = await client.responses.create({ model: chat, input, tools: offered });
found.response = [second.status, second.output_text];

found.vectors = (await client.embeddings.create({ model: vectors, input: ["one", "three"] })).data.map(
  (one) => one.embedding,
);

// Every failure arrives as the client's own kind of error.
found.errors = [];
for (const work of [
  () => client.chat.completions.create({ model: "gpt-9", messages }),
  () => new OpenAI({ baseURL, apiKey: "codelab_x" }).models.list(),
  () => client.files.list(),
  () => client.responses.create({ model: chat, input: "Hi", previous_response_id: "resp_1" }),
  () => client.responses.create({ model: chat, input: "Hi" }),
]) {
  try {
    await work();
  } catch (error) {
    found.errors.push([error.constructor.name, error.code]);
  }
}

console.log(JSON.stringify(found));
