// Asks a language model through a proxy, and prints what came of it as JSON.
//
//   node ask.mjs URL API MODE       API: chat, responses, messages; MODE: whole, stream
//
// {"text", "arguments", "finish", "chunks"} or {"error": {"class", "status", "code", "type"}, "text": what came before}
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, api, mode] = process.argv.slice(2);
// The clients are not installed beside this file.
const require = createRequire(`${process.env.CLIENTS}/`);
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const { default: OpenAI } = await load("openai");
const { default: Anthropic } = await load("@anthropic-ai/sdk");

// Retries are as by default: an answer that must not be repeated has to say so.
const openai = () => new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-test", timeout: 20_000 });
const anthropic = () => new Anthropic({ baseURL: url, apiKey: "test", authToken: null, timeout: 20_000 });
const messages = [{ role: "user", content: "Hello." }];
const seen = { text: "", arguments: "", chunks: 0 };

const asks = {
  async chat(stream) {
    const answer = await openai().chat.completions.create({ model: "m", messages, stream });
    if (!stream) {
      const { message, finish_reason } = answer.choices[0];
      seen.text = message.content;
      seen.arguments = message.tool_calls[0].function.arguments;
      seen.finish = finish_reason;
      return;
    }
    for await (const chunk of answer) {
      seen.chunks += 1;
      const choice = chunk.choices[0];
      seen.text += choice.delta.content ?? "";
      seen.arguments += choice.delta.tool_calls?.[0].function.arguments ?? "";
      seen.finish = choice.finish_reason ?? seen.finish;
    }
  },
  async responses(stream) {
    const answer = await openai().responses.create({ model: "m", input: "Hello.", stream });
    if (!stream) {
      seen.text = answer.output_text;
      seen.arguments = answer.output[1].arguments;
      seen.finish = answer.status;
      return;
    }
    for await (const event of answer) {
      seen.chunks += 1;
      if (event.type === "response.output_text.delta") seen.text += event.delta;
      if (event.type === "response.function_call_arguments.delta") seen.arguments += event.delta;
      if (event.type === "response.completed" || event.type === "response.failed") {
        seen.finish = event.response.status;
        seen.code = event.response.error?.code;
      }
    }
  },
  async messages(stream) {
    const asked = { model: "m", max_tokens: 100, messages };
    let done;
    if (stream) {
      const events = anthropic().messages.stream(asked);
      events.on("text", (text) => { seen.text += text; seen.chunks += 1; });
      done = await events.finalMessage();
    } else {
      done = await anthropic().messages.create(asked);
    }
    seen.text = done.content[0].text;
    seen.arguments = JSON.stringify(done.content[1].input);
    seen.finish = done.stop_reason;
  },
};

try {
  await asks[api](mode === "stream");
} catch (error) {
  const { status, code } = error;
  const type = error.error?.error?.type ?? error.error?.type ?? error.type;
  seen.error = { class: error.constructor.name, status, code, type };
}
console.log(JSON.stringify(seen));
