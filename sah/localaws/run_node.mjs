// Run a Node.js handler once: event on standard input, answer behind a mark on output.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const env = process.env;
const end = Date.now() + Number(env._TIMEOUT) * 1000;
const context = {
  functionName: env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  invokedFunctionArn: env._ARN,
  awsRequestId: env._REQUEST_ID,
  logGroupName: `/aws/lambda/${env.AWS_LAMBDA_FUNCTION_NAME}`,
  getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
};

async function findHandler() {
  const dot = env._HANDLER.lastIndexOf(".");
  const base = path.join(env.LAMBDA_TASK_ROOT, env._HANDLER.slice(0, dot));
  const file = [".mjs", ".js", ".cjs"].map((end) => base + end).find((each) => fs.existsSync(each));
  if (!file) throw new Error(`Cannot find module '${env._HANDLER}'`);
  const module = await import(pathToFileURL(file).href);
  const name = env._HANDLER.slice(dot + 1);
  return module[name] ?? module.default?.[name];
}

function call(handler, event) {
  return new Promise((resolve, reject) => {
    const result = handler(event, context, (error, answer) => (error ? reject(error) : resolve(answer)));
    if (typeof result?.then === "function") result.then(resolve, reject);
    else if (handler.length < 3) resolve(result);
  });
}

async function main() {
  const event = JSON.parse(fs.readFileSync(0, "utf8"));
  return { answer: (await call(await findHandler(), event)) ?? null };
}

const failed = (error) => ({
  error: { errorType: error.name, errorMessage: error.message, trace: error.stack?.split("\n") },
});
const answer = await main().catch(failed);
process.stdout.write(env._MARK + JSON.stringify(answer), () => process.exit(0));
