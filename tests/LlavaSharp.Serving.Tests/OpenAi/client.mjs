// Asks a server through npm's openai, and prints what came back as one JSON object: client.mjs ADDRESS MODEL PICTURE
import OpenAI from 'openai';

const [, , baseURL, model, picture] = process.argv;
const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, timeout: 60000 });
const user = {
  role: 'user',
  content: [
    { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
    { type: 'text', text: 'What colour is the picture?' },
  ],
};
const greedy = { model, temperature: 0, max_tokens: 30, messages: [user] };
const parameters = { type: 'object', properties: { level: { type: 'integer', minimum: 0, maximum: 100 } }, required: ['level'], additionalProperties: false };
const tools = [{ type: 'function', function: { name: 'set_lamp', description: 'Sets the lamp.', parameters, strict: true } }];
const forced = { ...greedy, max_tokens: 300, tools, tool_choice: { type: 'function', function: { name: 'set_lamp' } } };
const format = (schema) => ({ type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } });
const said = {};

said.models = (await client.models.list()).data.map((entry) => entry.id);
said.chat = (await client.chat.completions.create(greedy)).choices[0].message.content;

said.stream = '';
for await (const chunk of await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } })) {
  said.stream += chunk.choices[0]?.delta?.content ?? '';
  said.streamTokens = chunk.usage?.completion_tokens ?? said.streamTokens;
}

const schema = { type: 'object', properties: { colour: { type: 'string', enum: ['red', 'green', 'blue'] } }, required: ['colour'], additionalProperties: false };
said.schema = (await client.chat.completions.parse({ ...greedy, max_tokens: 300, response_format: format(schema) })).choices[0].message.content;
said.schema = JSON.parse(said.schema);

const { message, finish_reason } = (await client.chat.completions.create(forced)).choices[0];
said.toolReason = finish_reason;
said.tool = message.tool_calls[0].function;

// the client puts the pieces together itself
const stream = client.chat.completions.stream(forced);
said.toolStream = (await stream.finalChatCompletion()).choices[0].message.tool_calls[0].function;

const after = await client.chat.completions.create({
  ...greedy,
  tools,
  messages: [user, message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'done' }],
});
said.afterTool = after.choices[0].message.content ?? '';

const input = [{ role: 'user', content: [{ type: 'input_image', image_url: `data:image/png;base64,${picture}` }, { type: 'input_text', text: 'What colour is the picture?' }] }];
said.response = (await client.responses.create({ model, input, temperature: 0, max_output_tokens: 30 })).output_text;
said.responseStream = (await client.responses.stream({ model, input, temperature: 0, max_output_tokens: 30 }).finalResponse()).output_text;

try {
  await client.chat.completions.create({ ...greedy, response_format: format({ not: {} }) });
} catch (error) {
  said.refused = { status: error.status, code: error.code };
}

console.log(JSON.stringify(said));
