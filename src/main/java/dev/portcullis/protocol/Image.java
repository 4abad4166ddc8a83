package dev.portcullis.protocol;

/**
 * A picture that came with a message.
 *
 * @param mediaType image/png, image/jpeg, image/gif or image/webp
 * @param bytes how long it is, decoded
 * @param data its bytes in base64, padded; empty where only the fact is told that there was one
 */
public record Image(String mediaType, int bytes, String data) {
  /** What views tell of it. */
  public Image told() {
    return data.isEmpty() ? this : new Image(mediaType, bytes, "");
  }

  public String url() {
    return "data:" + mediaType + ";base64," + data;
  }

  /** Without the bytes: a turn may end up in a message of a fault. */
  @Override
  public String toString() {
    return "Image[" + mediaType + ", " + bytes + " bytes]";
  }
}
