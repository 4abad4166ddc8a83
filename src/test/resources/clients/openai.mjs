// The official Node client against the gateway: runs one scenario and prints what it saw as one line of JSON.
// Usage: node openai.mjs <base url> <token> <directory with node_modules> <scenario>
import { createRequire } from 'node:module';

const [base, token, directory, scenario] = process.argv.slice(2);
const OpenAI = createRequire(directory + '/')('openai').default;
const client = new OpenAI({ baseURL: base, apiKey: token, maxRetries: scenario === 'retry' ? 2 : 0, timeout: 10_000 });
const messages = [{ role: 'user', content: 'hello there' }];
const tools = [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} }, strict: false }];

const failure = async (work) => {
  try {
    await work();
    return 'no error';
  } catch (error) {
    return `${error.constructor.name} ${error.status ?? ''} ${error.code ?? ''}`;
  }
};
const texts = async (events) => {
  let text = '';
  for await (const event of events) {
    text += event.type === 'response.output_text.delta' ? event.delta : '';
  }
  return text;
};

const scenarios = {
  async chat() {
    const whole = await client.chat.completions.create({ model: 'main', messages });
    const stream = client.chat.completions.stream({ model: 'main', messages, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    return {
      whole: whole.choices[0].message.content, tokens: whole.usage.total_tokens,
      streamed: final.choices[0].message.content, finish: final.choices[0].finish_reason,
      streamedTokens: final.usage.total_tokens,
    };
  },
  async responses() {
    const whole = await client.responses.create({ model: 'main', input: 'hello there' });
    const final = await client.responses.stream({ model: 'main', input: 'hello there' }).finalResponse();
    const next = await client.responses.create({ model: 'main', input: 'and on', previous_response_id: whole.id });
    const again = await client.responses.retrieve(whole.id);
    const rest = await texts(await client.responses.retrieve(final.id, { stream: true, starting_after: 4 }));
    const items = await client.responses.inputItems.list(whole.id);
    return {
      whole: whole.output_text, streamed: final.output_text, next: next.output_text, previous: next.previous_response_id === whole.id,
      again: again.output_text, rest, item: items.data[0].content[0].text,
      late: (await client.responses.cancel(final.id)).status,
      deleted: await failure(() => client.responses.delete(final.id)),
      gone: await failure(() => client.responses.retrieve(final.id)),
    };
  },
  async tools() {
    const stream = client.responses.stream({ model: 'second', input: 'weather?', tools });
    const done = [];
    stream.on('response.function_call_arguments.done', (event) => done.push(event.name ?? event.arguments));
    const final = await stream.finalResponse();
    const call = final.output.find((item) => item.type === 'function_call');
    const input = [{ type: 'function_call_output', call_id: call.call_id, output: 'rain' }];
    const next = await client.responses.create({ model: 'second', input, tools, previous_response_id: final.id });
    return { name: call.name, arguments: call.arguments, done, next: next.status };
  },
  async errors() {
    const stream = async () => texts(await client.responses.create({ model: 'main', input: 'hi', stream: true }));
    const chat = async () => {
      for await (const _ of await client.chat.completions.create({ model: 'main', messages, stream: true }));
    };
    return {
      model: await failure(() => client.responses.create({ model: 'ghost', input: 'hi' })),
      whole: await failure(() => client.responses.create({ model: 'main', input: 'hi' })),
      chat: await failure(chat),
      stream: await failure(stream),
    };
  },
  async retry() {
    const whole = await client.responses.create({ model: 'main', input: 'hello there' });
    return { whole: whole.output_text };
  },
};
console.log(JSON.stringify(await scenarios[scenario]()));
