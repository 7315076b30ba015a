package demo;

public class Subject {
    static class Inner {
        String text() {
            return "new";
        }
    }

    static String run() {
        return new Inner().text();
    }
}
