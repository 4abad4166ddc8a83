package dev.portcullis.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Locale;

/** A model server (Chat Completions, streamed) that takes no time: the whole answer is there as soon as the question is. */
final class InstantModel implements AutoCloseable {
  static final int PIECES = 20;

  private static final byte[] HEAD_END = SocketLoop.bytes("\r\n\r\n");
  private static final byte[] ANSWER = answer();
  private static final byte[] MODELS = SocketLoop.bytes(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"data\":[]}");

  private final SocketLoop loop = new SocketLoop();
  private final int port;
  private final Thread thread;

  InstantModel() throws IOException {
    port = loop.listen(() -> InstantModel::answer);
    thread = loop.start("model");
  }

  int port() {
    return port;
  }

  Duration cpu() {
    return SocketLoop.cpu(thread);
  }

  private static void answer(SocketLoop.Connection connection, ByteBuffer in) throws IOException {
    int head = SocketLoop.find(in, 0, HEAD_END);
    if (head < 0) {
      return;
    }
    var text = SocketLoop.text(in, head).toLowerCase(Locale.ROOT);
    int length = text.indexOf("content-length: ");
    int body = length < 0 ? 0 : Integer.parseInt(text.substring(length + 16).split("\r", 2)[0]);
    if (in.position() >= head + HEAD_END.length + body) {
      in.clear(); // Nobody asks again before the answer is there.
      connection.send(text.startsWith("get") ? MODELS : ANSWER);
    }
  }

  private static byte[] answer() {
    var chunks = new StringBuilder("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    for (int i = 0; i < PIECES; i++) {
      chunk(chunks, "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
          + "[{\"index\":0,\"delta\":{\"content\":\"w" + i + " \"},\"finish_reason\":null}]}\n\n");
    }
    chunk(chunks, "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    chunk(chunks, "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":20}}\n\n");
    chunk(chunks, "data: [DONE]\n\n");
    return SocketLoop.bytes(chunks.append("0\r\n\r\n").toString());
  }

  private static void chunk(StringBuilder out, String data) {
    out.append(Integer.toHexString(data.length())).append("\r\n").append(data).append("\r\n");
  }

  @Override
  public void close() {
    loop.close();
  }
}
