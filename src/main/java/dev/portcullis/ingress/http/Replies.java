package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Problem;
import java.util.Map;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/** Responses. */
public final class Replies {
  private Replies() {}

  public static HttpResponse json(int status, JsonNode body) {
    return HttpResponse.create()
        .withStatus(StatusCodes.get(status))
        .addHeader(RawHeader.create("Cache-Control", "no-store"))
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, Json.bytes(body)));
  }

  public static HttpResponse problem(Problem problem) {
    var response = json(problem.status(), problemBody(problem));
    for (var header : problem.headers().entrySet()) {
      response = response.addHeader(RawHeader.create(header.getKey(), header.getValue()));
    }
    return response;
  }

  /** {@code {"error":{message,type,param,code}}}, all four keys, and what is true instead. */
  public static JsonNode problemBody(Problem problem) {
    var body = Json.object();
    var error = body.putObject("error").put("message", problem.message()).put("type", problem.type());
    Json.putText(error, "param", problem.param());
    Json.putText(error, "code", problem.code());
    problem.state().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> body.put(entry.getKey(), entry.getValue()));
    return body;
  }

  public static HttpResponse replayed(HttpResponse response, boolean replayed) {
    return replayed ? response.addHeader(RawHeader.create("Idempotent-Replayed", "true")) : response;
  }
}
