/**
 * Settings that an npm started by this project may take over from the npm that runs the project's scripts: how the
 * registry is reached, and where npm keeps its files. Everything else that `npm run` exports describes that npm and its
 * project.
 */
const KEPT =
  /^npm_config_(cache|registry|.*proxy|ca|cafile|cert|key|strict_ssl|userconfig|globalconfig|fetch_.*|maxsockets|offline|prefer_.*|before|min_release_age|logs_.*|\/\/.*|@.*)$/i;

/**
 * The environment for an npm in a folder of its own. `npm run` exports its settings as variables, and npm prefers a
 * variable to its own knowledge: with an inherited `npm_config_user_agent` an npm under Node 24 reports the Node of the
 * outer npm, and code-server's install step, which reads it, refuses to go on.
 *
 * @param {Record<string, string | undefined>} env
 * @returns {Record<string, string | undefined>} A copy without the variables of an outer npm.
 */
export function npmEnvironment(env) {
  const outer = ([name]) => /^(npm_|NODE$|INIT_CWD$)/i.test(name) && !KEPT.test(name);
  return Object.fromEntries(Object.entries(env).filter((entry) => !outer(entry)));
}
