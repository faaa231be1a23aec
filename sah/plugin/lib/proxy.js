'use strict';

/** Reach the app through the proxy that the environment names, as curl and the SDKs of AWS do. */

const http = require('node:http');

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Find the proxy for an address.
 *
 * @param {URL} url
 * @param {Record<string, string|undefined>} env
 * @returns {URL|null} null when it is reached directly
 */
function findProxy(url, env) {
  const get = (name) => env[name] || env[name.toUpperCase()] || '';
  const given = get(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy') || get('all_proxy');
  if (!given || LOOPBACK.test(url.hostname) || isExempt(url, get('no_proxy'))) return null;
  try {
    return new URL(/^[a-z0-9]+:\/\//i.test(given) ? given : `http://${given}`);
  } catch {
    throw new Error('the address of the proxy in the environment is none');
  }
}

/** Say whether NO_PROXY names a host, or a domain that it is in. */
function isExempt({ hostname, port, protocol }, list) {
  const usual = port || (protocol === 'https:' ? '443' : '80');
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const [, name, of] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (!name || (of && of !== usual)) return false;
    return hostname === name || hostname.endsWith(`.${name}`);
  });
}

/**
 * Give what a request needs so that it goes through a proxy.
 *
 * @param {URL} url where the request goes
 * @param {URL} proxy
 * @param {number} timeout in milliseconds, for the way to be opened
 * @returns {Promise<object>} options of the request
 */
async function through(url, proxy, timeout) {
  if (proxy.protocol !== 'http:') throw new Error(`a proxy by ${proxy.protocol}// cannot be used`);
  const at = { hostname: proxy.hostname.replace(/^\[|\]$/g, ''), port: proxy.port || 80 };
  const headers = proxy.username && { 'Proxy-Authorization': `Basic ${login(proxy)}` };
  if (url.protocol === 'https:') return { socket: await openTunnel(url, at, headers, timeout) };
  return { ...at, path: url.href, more: { ...headers, Host: url.host } };
}

function login({ username, password }) {
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return Buffer.from(text).toString('base64');
}

function openTunnel(url, at, headers, timeout) {
  const path = `${url.hostname}:${url.port || 443}`;
  return new Promise((resolve, reject) => {
    const asked = http.request({
      ...{ ...at, method: 'CONNECT', path, agent: false, timeout },
      headers: { ...headers, Host: path },
    });
    asked.on('connect', ({ statusCode: status }, socket) => {
      if (status === 200) return resolve(socket);
      socket.destroy();
      return reject(new Error(`the proxy answered ${status}`));
    });
    asked.on('response', ({ statusCode: status }) => {
      asked.destroy();
      reject(new Error(`the proxy answered ${status}`));
    });
    asked.on('timeout', () => asked.destroy(new Error('the proxy does not answer')));
    asked.on('error', (error) => reject(new Error(`the proxy fails: ${error.message}`)));
    asked.end();
  });
}

module.exports = { findProxy, through };
