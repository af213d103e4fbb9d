// Requests to the server that served the page, with the API key where one was given.

const STORED = "freshet-api-key";

export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    super([body.error, body.detail].filter(Boolean).join(": ") || `status ${status}`);
    this.status = status;
    this.remedy = body.remedy || "";
    this.retryAfter = retryAfter;
  }
}

export function useKey(key) {
  sessionStorage.setItem(STORED, key);
}

/** The response, or ApiError. A 401 also shows the form for the key. */
export async function request(path, options = {}) {
  const key = sessionStorage.getItem(STORED);
  const headers = { ...options.headers, ...(key ? { "X-API-Key": key } : {}) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) document.dispatchEvent(new CustomEvent("key-needed", { detail: { given: Boolean(key) } }));
  throw new ApiError(response.status, body, Number(response.headers.get("Retry-After")) || 0);
}

export async function getJson(path, options) {
  return (await request(path, options)).json();
}

export async function postJson(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await request(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}
