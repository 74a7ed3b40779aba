/**
 * Settings that a nested npm inherits from the npm that runs the project's scripts: the registry, its access, and npm's
 * own folders. The other variables that `npm run` exports describe the outer npm and its project.
 */
const KEPT =
  /^npm_config_(cache|registry|.*proxy|ca|cafile|cert|key|strict_ssl|userconfig|globalconfig|fetch_.*|maxsockets|offline|prefer_.*|before|min_release_age|logs_.*|\/\/.*|@.*)$/i;

/**
 * The environment for a nested npm. `npm run` exports its settings as variables, and they override those of the nested
 * npm. With an inherited `npm_config_user_agent`, an npm under Node 24 reports the Node of the outer npm. The install
 * step of code-server reads this value and fails.
 *
 * @param {Record<string, string | undefined>} env
 * @returns {Record<string, string | undefined>} A copy without the variables of an outer npm.
 */
export function npmEnvironment(env) {
  const outer = ([name]) => /^(npm_|NODE$|INIT_CWD$)/i.test(name) && !KEPT.test(name);
  return Object.fromEntries(Object.entries(env).filter((entry) => !outer(entry)));
}
