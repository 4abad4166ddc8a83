package dev.portcullis.ingress.http;

import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** Takes over the connections of requests that ask for another protocol. */
public interface Upgrades {
  boolean wanted(HttpRequest request);

  /**
   * The answer that hands the connection over. Host and origin have been checked, and nothing else.
   *
   * @throws dev.portcullis.ingress.InputFault when it is not handed over
   */
  HttpResponse upgrade(HttpRequest request);
}
