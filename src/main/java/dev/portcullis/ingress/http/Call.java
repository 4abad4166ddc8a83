package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Problems;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.scaladsl.model.IllegalUriException;
import org.apache.pekko.japi.Pair;

/**
 * A request that may be answered: who asks, what the path says, and the body, read whole.
 *
 * @param sessions as the principal may see them
 * @param path values of the template's variables, decoded
 */
public record Call(
    HttpRequest request, Principal principal, Sessions sessions, Map<String, String> path, byte[] body) {
  private static final Pattern WHOLE = Pattern.compile("\\d{1,18}");
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m)?");

  /** Completes if the client ends the connection before it has the answer, or never. */
  public CompletionStage<Done> gone() {
    return Connections.gone(request);
  }

  public String path(String variable) {
    return path.get(variable);
  }

  /** @throws InputFault when the body is not a JSON object */
  public Fields fields() {
    return new Fields(Json.read(body));
  }

  public Optional<String> header(String lowerCaseName) {
    return request.getHeader(lowerCaseName).map(header -> header.value().strip());
  }

  /** A query parameter, given at most once. */
  public Optional<String> query(String name) {
    var values = queries(name);
    if (values.size() > 1) {
      throw Fields.fault(name, "is given more than once");
    }
    return values.stream().findFirst();
  }

  /** A query parameter that may be given again and again. */
  public List<String> queries(String name) {
    return parameters().stream().filter(pair -> pair.first().equals(name)).map(Pair::second).toList();
  }

  private List<Pair<String, String>> parameters() {
    try {
      return request.getUri().query().toList();
    } catch (IllegalUriException malformed) {
      throw InputFault.of(Problems.badRequest("", "The query of the URL is malformed."));
    }
  }

  /** A whole number from 0 to 10^18; {@code absent} when it is not given. */
  public long number(String name, long absent) {
    return query(name).map(text -> whole(name, text)).orElse(absent);
  }

  public static long whole(String name, String text) {
    if (!WHOLE.matcher(text).matches()) {
      throw Fields.fault(name, "must be a whole number of 0 or more");
    }
    return Long.parseLong(text);
  }

  /** How many entries of a list, 1 to {@code most}. */
  public int limit(int absent, int most) {
    long limit = number("limit", absent);
    if (limit < 1 || limit > most) {
      throw Fields.fault("limit", "must be 1 to " + most);
    }
    return (int) limit;
  }

  public boolean flag(String name) {
    return query(name)
        .map(text -> switch (text) {
          case "true" -> true;
          case "false" -> false;
          default -> throw Fields.fault(name, "must be true or false");
        })
        .orElse(false);
  }

  /** {@code 30s}, {@code 500ms}, {@code 2m} or seconds; zero when absent, {@code most} when it is longer. */
  public Duration duration(String name, Duration most) {
    return query(name)
        .map(text -> {
          var matcher = DURATION.matcher(text);
          if (!matcher.matches()) {
            throw Fields.fault(name, "must be a duration such as 30s");
          }
          long amount = Long.parseLong(matcher.group(1));
          var unit = Optional.ofNullable(matcher.group(2)).orElse("s");
          var duration = switch (unit) {
            case "ms" -> Duration.ofMillis(amount);
            case "m" -> Duration.ofMinutes(amount);
            default -> Duration.ofSeconds(amount);
          };
          return duration.compareTo(most) > 0 ? most : duration;
        })
        .orElse(Duration.ZERO);
  }
}
