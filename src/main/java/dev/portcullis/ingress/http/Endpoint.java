package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Operation;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/**
 * One method of one path. There is no endpoint without an operation, so nothing can be reached without a
 * decision about who may.
 *
 * @param template segments; one in braces is a variable
 * @param json whether it takes a JSON body; a body that is not asked for is thrown away unread
 */
public record Endpoint(
    String method, List<String> template, Operation operation, boolean json, Handler handler) {
  /** Answers, or fails with what {@link dev.portcullis.ingress.Problems} knows. */
  @FunctionalInterface
  public interface Handler {
    CompletionStage<HttpResponse> handle(Call call);
  }

  public Endpoint {
    template = List.copyOf(template);
  }

  public static Endpoint get(String path, Operation operation, Handler handler) {
    return new Endpoint("GET", segments(path), operation, false, handler);
  }

  /** A POST whose body, if any, says nothing. */
  public static Endpoint post(String path, Operation operation, Handler handler) {
    return new Endpoint("POST", segments(path), operation, false, handler);
  }

  public static Endpoint postJson(String path, Operation operation, Handler handler) {
    return new Endpoint("POST", segments(path), operation, true, handler);
  }

  public static Endpoint delete(String path, Operation operation, Handler handler) {
    return new Endpoint("DELETE", segments(path), operation, false, handler);
  }

  /** The path's raw segments, without the first empty one. */
  public static List<String> segments(String path) {
    return List.of(path.substring(1).split("/", -1));
  }

  public String path() {
    return "/" + String.join("/", template);
  }

  public boolean matches(List<String> segments) {
    if (segments.size() != template.size()) {
      return false;
    }
    for (int i = 0; i < segments.size(); i++) {
      boolean same = variable(template.get(i)) ? !segments.get(i).isEmpty()
          : template.get(i).equals(segments.get(i));
      if (!same) {
        return false;
      }
    }
    return true;
  }

  /** How many segments are fixed: of two that match, the one with more is meant. */
  public long fixed() {
    return template.stream().filter(segment -> !variable(segment)).count();
  }

  public static boolean variable(String segment) {
    return segment.startsWith("{");
  }
}
