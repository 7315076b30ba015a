/* SPDX-License-Identifier: Apache-2.0 */
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.nio.charset.StandardCharsets;

/** TLS as many servers speak it: Netty over its own native library, BoringSSL, in this JVM. Property: other.certificates. */
public final class OtherTls {
    private static final File PLACE = new File(System.getProperty("other.certificates"));

    private static EmbeddedChannel server;
    private static EmbeddedChannel client;

    private OtherTls() {
    }

    static String library() {
        return OpenSsl.versionString();
    }

    /** A handshake with the certificate checked, and a word that arrives. */
    static String connect() throws Exception {
        SslContext ours = SslContextBuilder.forServer(file("agent.pem"), file("agent.key"))
                .sslProvider(SslProvider.OPENSSL).protocols("TLSv1.3").build();
        SslContext theirs = SslContextBuilder.forClient().trustManager(file("ca.pem"))
                .sslProvider(SslProvider.OPENSSL).protocols("TLSv1.3").build();
        server = new EmbeddedChannel(ours.newHandler(ByteBufAllocator.DEFAULT));
        client = new EmbeddedChannel(theirs.newHandler(ByteBufAllocator.DEFAULT, "127.0.0.1", 443));
        while (move(client, server) | move(server, client)) {
            continue;
        }
        return client.pipeline().get(SslHandler.class).engine().getSession().getProtocol() + " " + say();
    }

    /** A word through the connection that is there. */
    static String say() {
        client.writeOutbound(Unpooled.copiedBuffer("word", StandardCharsets.US_ASCII));
        move(client, server);
        ByteBuf heard = server.readInbound();
        return heard == null ? "nothing" : heard.toString(StandardCharsets.US_ASCII);
    }

    private static boolean move(EmbeddedChannel from, EmbeddedChannel to) {
        boolean moved = false;
        for (ByteBuf bytes = from.readOutbound(); bytes != null; bytes = from.readOutbound()) {
            to.writeInbound(bytes);
            moved = true;
        }
        return moved;
    }

    private static File file(String name) {
        return new File(PLACE, name);
    }
}
