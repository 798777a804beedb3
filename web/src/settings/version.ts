/** Asks the server for its version. */
export async function versionOf(): Promise<string> {
  const response = await fetch('/health');
  const { version } = (await response.json()) as { version: string };
  return version;
}
