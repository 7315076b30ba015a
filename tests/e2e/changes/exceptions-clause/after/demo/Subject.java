package demo;

public class Subject {
    static String run() {
        return "new";
    }

    void m() throws java.io.IOException {
    }
}
