package dev.portcullis.ingress;

import java.util.Map;
import java.util.TreeMap;

/**
 * Why something was not done, as the asker sees it.
 *
 * @param param the offending field, empty when there is none
 * @param code stable word, empty when {@code type} says it all
 * @param headers response headers beside the usual ones
 * @param state what is true instead: further fields of the body
 */
public record Problem(
    int status,
    String type,
    String code,
    String message,
    String param,
    Map<String, String> headers,
    Map<String, String> state) {
  public Problem {
    headers = Map.copyOf(headers);
    state = Map.copyOf(state);
  }

  static Problem of(int status, String type, String code, String message) {
    return new Problem(status, type, code, message, "", Map.of(), Map.of());
  }

  Problem param(String name) {
    return new Problem(status, type, code, message, name, headers, state);
  }

  Problem header(String name, String value) {
    return new Problem(status, type, code, message, param, with(headers, name, value), state);
  }

  Problem state(String name, String value) {
    return new Problem(status, type, code, message, param, headers, with(state, name, value));
  }

  private static Map<String, String> with(Map<String, String> map, String name, String value) {
    var more = new TreeMap<>(map);
    more.put(name, value);
    return more;
  }
}
